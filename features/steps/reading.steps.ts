import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import { eventually } from '../../test/support/deadline';
import type { ServiceWorld } from '../support/world';

When('I read task {string}', async function (this: ServiceWorld, taskId: string) {
  await this.readTask(taskId);
});

Given('somebody reads task {string}', async function (this: ServiceWorld, taskId: string) {
  await this.openTask(taskId);
});

When('I read task {string} verbosely for a while', async function (this: ServiceWorld, taskId: string) {
  await this.readTask(`${taskId}?verbose=true`, { until: event => event.type === 'metrics' });
});

When(
  'I read task {string} again after its event {int}',
  async function (this: ServiceWorld, taskId: string, seq: number) {
    await this.readTask(taskId);
    await this.readTask(taskId, { lastEventId: String(seq) });
  },
);

Then('the first event that I get is number {int}', function (this: ServiceWorld, seq: number) {
  assert.equal(this.reading?.events[0]?.id, String(seq));
});

Then('the last is the end', function (this: ServiceWorld) {
  assert.equal(this.reading?.events.at(-1)?.type, 'end');
});

Then('the first token is read before the engine has sent its last', async function (this: ServiceWorld) {
  await this.readTask('t-1', { until: event => event.type === 'token' });
  assert.equal(this.theEngine.stats().finished, 0);
});

Then('every event has the next number as its id', async function (this: ServiceWorld) {
  const { events } = await this.readTask('t-1');
  assert.deepEqual(
    events.map(event => event.id),
    events.map((_, index) => String(index + 1)),
  );
});

Then('comments come while it waits', async function (this: ServiceWorld) {
  const reading = async () => this.stream?.reading();
  const seen = await eventually(reading, now => (now?.comments.length ?? 0) >= 3);
  assert.deepEqual([seen?.events, seen?.ended], [[], false]);
});

Then('it is told its queue_position and predicted_start_ms in a frame without an id', function (this: ServiceWorld) {
  const [frame] = this.events('metrics');
  assert.equal(frame?.id ?? '', '');
  const data = frame?.data as Record<string, unknown>;
  assert.equal(data['queue_position'], 0);
  assert.ok(Number(data['predicted_start_ms']) >= 0);
});

Then('a sentence for people is in it', function (this: ServiceWorld) {
  assert.match(String((this.events('metrics')[0]?.data as Record<string, unknown>)['human']), /\w+ .+\.$/);
});

Then('metrics events come at least {int} ms apart', function (this: ServiceWorld, ms: number) {
  // The last belongs to the end of the stream.
  const times = this.events('metrics')
    .slice(0, -1)
    .map(event => event.receivedMs);
  assert.ok(times.length >= 2, `${times.length} metrics events`);
  // None is read before it is written, and one may be read late: so each is held against the beginning.
  const sinceSent = times.map(time => time - (this.sentMs.get('t-1') ?? Infinity));
  assert.ok(
    sinceSent.every((passedMs, index) => passedMs >= ms * (index + 1)),
    sinceSent.join(' '),
  );
});

Then('each has {string}', function (this: ServiceWorld, fields: string) {
  for (const event of this.events('metrics')) {
    for (const field of fields.split(', '))
      assert.equal(typeof (event.data as Record<string, unknown>)[field], 'number', field);
  }
});

Then('every frame has an id, an event and a line of data, in this order', function (this: ServiceWorld) {
  const frames = this.answer.text.split('\n\n').filter(frame => frame !== '' && !/^(retry)?:/.test(frame));
  assert.ok(frames.length >= 5, this.answer.text);
  for (const frame of frames) assert.match(frame, /^(retry: \d+\n)?id: \d+\nevent: [a-z]+\ndata: \{.+\}$/);
});

Then(
  'the end counts {int} tokens and has the time they took, under both of its names',
  function (this: ServiceWorld, tokens: number) {
    const end = this.events('end')[0]?.data as Record<string, unknown>;
    assert.equal(end['tokens_out'], tokens);
    assert.equal(end['tokens_out'], this.theEngine.stats().tokens);
    assert.ok(Number(end['decode_time_ms']) > 0);
    assert.equal(end['decode_ms'], end['decode_time_ms']);
  },
);

Then('the error names the engine {string}', function (this: ServiceWorld, engine: string) {
  assert.equal((this.events('error')[0]?.data as Record<string, unknown>)['engine'], engine);
});

Then(
  'its end and its record tell {int} cached tokens and the same prompt time, {int} ms or more',
  async function (this: ServiceWorld, cachedTokens: number, leastMs: number) {
    const taskId = this.names.get('ended') ?? '';
    const { events } = await this.readTask(taskId);
    const end = events.at(-1)?.data as Record<string, unknown>;
    const { usage } = (await this.look(`/v2/tasks/${taskId}`)).json<{ usage: Record<string, unknown> }>();
    for (const told of [end, usage]) assert.equal(told['tokens_cached'], cachedTokens);
    assert.ok(Number(end['prompt_time_ms']) >= leastMs);
    assert.equal(usage['prompt_time_ms'], end['prompt_time_ms']);
  },
);

Then('the error says {string}', function (this: ServiceWorld, text: string) {
  const { message } = this.events('error')[0]?.data as { message: string };
  assert.ok(message.includes(text), message);
});

Then(
  'the "started" event of task {string} says that a stand-in answers',
  async function (this: ServiceWorld, taskId: string) {
    const { events } = await this.readTask(taskId);
    const started = events.find(({ type }) => type === 'started');
    assert.equal((started?.data as Record<string, unknown> | undefined)?.['stand_in'], true);
  },
);
