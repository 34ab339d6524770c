import { strict as assert } from 'node:assert';
import { Given, Then } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Then(
  'it is told position {int} and a start in {int} ms',
  function (this: ServiceWorld, position: number, startMs: number) {
    assert.deepEqual([this.json['queue_position'], this.json['predicted_start_ms']], [position, startMs]);
  },
);

Then(
  'it is told position {int} and a start after twice the time that the first task took',
  async function (this: ServiceWorld, position: number) {
    const first = (await this.look('/v2/tasks/of-s-1')).json();
    const tookMs = Number(first['ended_ms']) - Number(first['started_ms']);
    const predictedMs = Number(this.json['predicted_start_ms']);
    assert.equal(this.json['queue_position'], position);
    // A slot is held a little longer than its output takes.
    assert.ok(predictedMs >= 1.5 * tookMs && predictedMs <= 4 * tookMs, `${predictedMs} against ${tookMs}`);
  },
);

Then('its streams are {string} and {string}', function (this: ServiceWorld, plain: string, verbose: string) {
  assert.deepEqual(this.json['streams'], { sse: plain, sse_verbose: verbose });
});

Then('its preparation is {string}', function (this: ServiceWorld, kinds: string) {
  assert.equal(this.answer.status, 202, this.answer.text);
  const { steps } = this.json['preparation'] as { steps: { kind: string; detail: string }[] };
  assert.equal(steps.map(step => step.kind).join(', '), kinds);
  for (const { detail } of steps) assert.ok(detail.length > 0);
});

Then('task {string} was never admitted', async function (this: ServiceWorld, taskId: string) {
  assert.equal((await this.look(`/v2/tasks/${taskId}`)).status, 404);
});

Given(/^the service (?:was|is) killed and started again$/, async function (this: ServiceWorld) {
  await this.restart('SIGKILL');
  await this.service();
});
