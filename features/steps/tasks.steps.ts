import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const CAPACITY = 4;

Given('an OrchQueue API endpoint', async function (this: ServiceWorld) {
  await this.service();
});

Given('an OrchQueue API endpoint with {word} policy', function (this: ServiceWorld, policy: string) {
  this.env['ORCHD_ADMISSION_POLICY'] = policy;
  this.env['ORCHD_ADMISSION_CAPACITY'] = String(CAPACITY);
});

Given('the queue is at capacity', async function (this: ServiceWorld) {
  // No engine is bound, so what is accepted waits.
  for (let n = 0; n < CAPACITY; n++) assert.equal((await this.enqueue({ task_id: `waiting-${n}` })).status, 202);
});

Given('a task {string} has been enqueued', async function (this: ServiceWorld, taskId: string) {
  const answer = await this.enqueue({ task_id: taskId });
  assert.equal(answer.status, 202, answer.text);
  this.answers = [];
});

Given(
  'a task {string} has been enqueued at position {int}',
  async function (this: ServiceWorld, taskId: string, position: number) {
    for (let n = 0; n < position; n++) await this.enqueue();
    const answer = await this.enqueue({ task_id: taskId });
    assert.equal(answer.json()['queue_position'], position);
    this.answers = [];
  },
);

Given('tasks have been enqueued', async function (this: ServiceWorld) {
  await this.enqueue({ engine: 'llamacpp', placement: { pin_pool_id: 'default' } });
  await this.enqueue({ engine: 'llamacpp', placement: { pin_pool_id: 'default' }, priority: 'batch' });
});

When('I enqueue a completion task with valid payload', async function (this: ServiceWorld) {
  await this.enqueue({
    task_id: 'valid-1',
    session_id: 'session-1',
    workload: 'completion',
    model_ref: 'llama-3-8b',
    engine: 'llamacpp',
    ctx: 4096,
    priority: 'interactive',
    deadline_ms: 30_000,
  });
});

When('I enqueue a task', async function (this: ServiceWorld) {
  await this.enqueue();
});

When('I enqueue a task with {word}={int}', async function (this: ServiceWorld, field: string, value: number) {
  await this.enqueue({ [field]: value });
});

When('I cancel task {string}', async function (this: ServiceWorld, taskId: string) {
  await this.request('POST', `/v2/tasks/${taskId}/cancel`);
});

Then('budget headers are present', function (this: ServiceWorld) {
  const headers = this.reading?.headers ?? this.answer.headers;
  for (const name of ['tokens-remaining', 'time-remaining-ms', 'cost-remaining']) {
    assert.ok(Number(headers[`x-budget-${name}`]) >= 0, name);
  }
});

Then('the oldest task is dropped', async function (this: ServiceWorld) {
  const oldest = await this.until('/v2/tasks/waiting-0', task => task['state'] === 'dropped');
  assert.equal((oldest['error'] as Record<string, unknown>)['code'], 'QUEUE_FULL_DROP_LRU');
  assert.equal((await this.look('/v2/tasks/waiting-1')).json()['state'], 'queued');
  const { events } = await this.readTask('waiting-0');
  assert.deepEqual(
    events.map(event => event.type),
    ['error'],
  );
});

Then('the task is marked as cancelled', async function (this: ServiceWorld) {
  assert.equal((await this.look('/v2/tasks/t-1')).json()['state'], 'cancelled');
});

Then('a cancellation log is emitted', async function (this: ServiceWorld) {
  const line = await this.waitForLog(({ event, job_id }) => event === 'task_cancelled' && job_id === 't-1');
  assert.ok(String(line['human']).includes('cancelled'));
});

Then('tasks_canceled_total metric is incremented', async function (this: ServiceWorld) {
  assert.equal(await this.metric('tasks_canceled_total', { reason: 'client' }), 1);
});
