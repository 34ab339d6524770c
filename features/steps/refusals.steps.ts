import { strict as assert } from 'node:assert';
import { Then, When } from '@cucumber/cucumber';
import type { HttpAnswer } from '../../test/support/http-client';
import type { ServiceWorld } from '../support/world';

/** The answers to tasks that were submitted once the queue was full. */
function refusalsOf(world: ServiceWorld): HttpAnswer[] {
  const refusals = world.answers.filter(({ status }) => status !== 202);
  assert.ok(refusals.length > 1, `${refusals.length} refusals`);
  return refusals;
}

When('I ask for the events of task {string}', async function (this: ServiceWorld, taskId: string) {
  await this.request('GET', `/v2/tasks/${taskId}/events`);
});

Then('I am refused with {int} {word}', function (this: ServiceWorld, status: number, code: string) {
  assert.equal(this.answer.status, status, this.answer.text);
  assert.equal(String(this.json['code']), code);
});

Then('the refusal says when to come back', function (this: ServiceWorld) {
  const seconds = Number(this.answer.headers['retry-after']);
  assert.ok(Number.isInteger(seconds) && seconds >= 1);
  assert.ok(Number(this.json['retry_after_ms']) > 0);
});

Then('the error names the field {string}', function (this: ServiceWorld, field: string) {
  assert.equal(this.json['field'], field);
  assert.ok(String(this.json['message']).includes(field.split('.').at(-1) ?? field));
});

Then('the error is not retriable and tells nothing of the inside', function (this: ServiceWorld) {
  assert.equal(this.json['retriable'], false);
  assert.deepEqual(
    Object.keys(this.json).filter(
      key =>
        !['code', 'message', 'retriable', 'retry_after_ms', 'policy_label', 'field', 'correlation_id'].includes(key),
    ),
    [],
  );
  assert.doesNotMatch(this.answer.text, /\.(ts|js):\d+|node_modules|\/dist\//);
});

Then(
  'tasks_rejected_total and admission_backpressure_events_total have counted it',
  async function (this: ServiceWorld) {
    assert.equal(await this.metric('tasks_rejected_total', { reason: 'ADMISSION_REJECT' }), 1);
    assert.equal(await this.metric('admission_backpressure_events_total', { policy: 'reject' }), 1);
  },
);

Then('all of them are told when to come back, in whole seconds and in milliseconds', function (this: ServiceWorld) {
  for (const { status, headers, json } of refusalsOf(this)) {
    const backoffMs = Number(headers['x-backoff-ms']);
    assert.equal(status, 429);
    assert.ok(Number.isInteger(backoffMs) && backoffMs > 0);
    assert.equal(Number(headers['retry-after']), Math.max(1, Math.ceil(backoffMs / 1000)));
    assert.equal(json()['retry_after_ms'], backoffMs);
  }
});

Then('not all of them at the same time', function (this: ServiceWorld) {
  const times = refusalsOf(this).map(({ headers }) => headers['x-backoff-ms']);
  // Two may meet by chance, most do not.
  assert.ok(new Set(times).size > times.length / 2, times.join(' '));
});

Then('the envelope has {string} and nothing else', function (this: ServiceWorld, fields: string) {
  assert.deepEqual(Object.keys(this.json).sort(), fields.split(', ').sort());
});
