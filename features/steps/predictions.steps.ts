import { strict as assert } from 'node:assert';
import { Given, Then } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';
import { LAST_RESORT_MS } from '../../test/support/deadline';

/** What a client is told of a start: in an answer, an event or a record. */
interface Told {
  readonly queue_position: number;
  readonly predicted_start_ms: number;
  readonly predicted_start: { readonly earliest_ms: number; readonly latest_ms: number; readonly basis: string };
}

/** Tasks after which a pool's pace is no longer assumed, and one more. */
const MEASURED_AFTER = 4;
/** A test that waits this long for what should come at once has found a fault. */

function startOf(told: unknown): Omit<Told, 'queue_position'> {
  const { predicted_start_ms, predicted_start } = told as Told;
  return { predicted_start_ms, predicted_start };
}

function assertInOrder(told: unknown): void {
  const { predicted_start_ms: start, predicted_start: range } = told as Told;
  assert.ok(range.earliest_ms >= 0 && range.earliest_ms <= start && start <= range.latest_ms, JSON.stringify(told));
}

Given('the pace of pool {string} was measured', async function (this: ServiceWorld, poolId: string) {
  const ids = Array.from({ length: MEASURED_AFTER }, (_, n) => `pace-of-${poolId}-${n}`);
  for (const id of ids) await this.accepted(id, { max_tokens: 40, placement: { pin_pool_id: poolId } });
  for (const id of ids) await this.until(`/v2/tasks/${id}`, ({ state }) => state === 'completed', LAST_RESORT_MS);
});

Given('pool {string} is ready again', async function (this: ServiceWorld, poolId: string) {
  await this.until(`/v2/pools/${poolId}/health`, health => health['ready'] === true, LAST_RESORT_MS);
});

Then(
  'it is told position {int} and a start that is {word}',
  function (this: ServiceWorld, position: number, basis: string) {
    const told = this.json as unknown as Told;
    assert.deepEqual([told.queue_position, told.predicted_start.basis], [position, basis], this.answer.text);
    assertInOrder(told);
  },
);

Then('task {string} starts about when it was told', async function (this: ServiceWorld, taskId: string) {
  const told = this.json as unknown as Told;
  const task = await this.until(
    `/v2/tasks/${taskId}`,
    ({ started_ms: startedMs }) => startedMs !== undefined,
    LAST_RESORT_MS,
  );
  const waitedMs = Number(task['started_ms']) - Number(task['created_ms']);
  // The bench says how close starts are; a busy machine may make this one late.
  assert.ok(told.predicted_start_ms > waitedMs / 2, `${told.predicted_start_ms} against ${waitedMs}`);
  assert.ok(told.predicted_start_ms < waitedMs * 1.5, `${told.predicted_start_ms} against ${waitedMs}`);
});

Then('its record says the same of its start', async function (this: ServiceWorld) {
  assert.deepEqual(startOf((await this.look('/v2/tasks/t-1')).json()), startOf(this.json));
});

Then('its "started" event says the same of its start', async function (this: ServiceWorld) {
  await this.readTask('t-1');
  assert.deepEqual(startOf(this.events('started')[0]?.data), startOf(this.json));
});

Then('a verbose reader is told of its start while it waits', async function (this: ServiceWorld) {
  await this.readTask('t-1?verbose=true', { until: event => event.type === 'metrics' });
  const [frame] = this.events('metrics');
  assert.equal(frame?.id ?? '', '');
  assertInOrder(frame?.data);
  assert.equal((frame?.data as Told).predicted_start.basis, 'measured');
});

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

Given('the service was stopped and started again', async function (this: ServiceWorld) {
  await this.restart('SIGTERM');
  await this.service();
});
