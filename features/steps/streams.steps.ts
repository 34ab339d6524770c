import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { Given, Then, When } from '@cucumber/cucumber';
import { LAST_RESORT_MS } from '../../test/support/deadline';
import type { ServiceWorld } from '../support/world';

When('I stream task events for {string}', async function (this: ServiceWorld, taskId: string) {
  await this.readTask(taskId);
});

Given('a task {string} is streaming', async function (this: ServiceWorld, taskId: string) {
  const { url } = await this.engine({ tokensPerSecond: 50 });
  await this.register('default', 'r0', { url });
  await this.enqueue({ task_id: taskId, max_tokens: 500 });
  const stream = await this.openTask(taskId);
  await stream.event(event => event.type === 'token', LAST_RESORT_MS);
  this.answers = [];
});

When('I cancel task {string} mid-stream', async function (this: ServiceWorld, taskId: string) {
  await this.request('POST', `/v2/tasks/${taskId}/cancel`);
  assert.equal(this.answer.status, 204);
  await this.stream?.finished(LAST_RESORT_MS);
  this.reading = this.stream?.reading();
});

Then('Content-Type is {word}', function (this: ServiceWorld, type: string) {
  const headers = this.reading?.headers ?? this.answer.headers;
  assert.ok(String(headers['content-type']).startsWith(type), String(headers['content-type']));
});

Then(/^I receive (?:SSE )?event "([a-z]+)"$/, function (this: ServiceWorld, type: string) {
  assert.ok(this.events(type).length > 0, `events: ${this.reading?.events.map(event => event.type).join(' ') ?? ''}`);
});

Then('I receive one event "token" with text {string}', function (this: ServiceWorld, text: string) {
  assert.deepEqual(
    this.events('token').map(event => event.data),
    [{ i: 0, t: text }],
  );
});

Then('the task is dispatched to the adapter', function (this: ServiceWorld) {
  assert.equal(this.theEngine.stats().started, 1);
});

Then('I receive real token events from the adapter', function (this: ServiceWorld) {
  const tokens = this.events('token');
  assert.ok(tokens.length > 1);
  assert.deepEqual(
    tokens.map(event => (event.data as { i: number }).i),
    tokens.map((_, index) => index),
  );
  const end = this.events('end')[0]?.data as { tokens_out: number };
  assert.equal(end.tokens_out, this.theEngine.stats().tokens);
});

Then('the deterministic fallback is used', async function (this: ServiceWorld) {
  await this.waitForLog(({ event }) => event === 'deterministic_fallback');
  assert.equal((this.events('started')[0]?.data as { engine: string }).engine, 'deterministic');
});

Then('the "started" event includes queue_position={int}', function (this: ServiceWorld, position: number) {
  assert.equal((this.events('started')[0]?.data as { queue_position: number }).queue_position, position);
});

Then('the "started" event includes predicted_start_ms', function (this: ServiceWorld) {
  assert.ok((this.events('started')[0]?.data as { predicted_start_ms: number }).predicted_start_ms >= 0);
});

Then('an SSE transcript artifact is created', async function (this: ServiceWorld) {
  const task = await this.until('/v2/tasks/t-1', view => view['transcript_artifact_id'] !== undefined);
  this.names.set('transcript', String(task['transcript_artifact_id']));
});

Then('the artifact includes all events', async function (this: ServiceWorld) {
  const transcript = (await this.look(`/v2/artifacts/${this.names.get('transcript') ?? ''}`)).json<{
    events: unknown;
  }>();
  const seen = this.reading?.events.map(({ type, data }) => ({ data, type }));
  assert.deepEqual(transcript.events, seen);
});

Then('the artifact ID is a SHA-256 hash', async function (this: ServiceWorld) {
  const id = this.names.get('transcript') ?? '';
  const { text } = await this.look(`/v2/artifacts/${id}`);
  assert.equal(createHash('sha256').update(text).digest('hex'), id);
});

Then('no further token events are emitted', async function (this: ServiceWorld) {
  const types = this.reading?.events.map(event => event.type) ?? [];
  assert.equal(types.at(-1), 'error');
  assert.ok(!types.includes('end'));
  // Another reading gives the same events: nothing was appended behind the end.
  assert.deepEqual(
    (await this.readTask('t-1')).events.map(event => event.type),
    types,
  );
});

Then('the stream terminates cleanly', function (this: ServiceWorld) {
  assert.equal(this.reading?.ended, true);
  assert.equal((this.reading.events.at(-1)?.data as { code: string }).code, 'CANCELLED');
});
