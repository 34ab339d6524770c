import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import { BatchClient, chatLine, type BatchSeen } from '../../test/support/batch-client';
import type { ServiceWorld } from '../support/world';

const LONG = { max_tokens: 8 };

async function clientOf(world: ServiceWorld): Promise<BatchClient> {
  const { url, apiKey } = await world.service();
  return new BatchClient(url, apiKey);
}

const chats = (count: number, more: object = {}): string[] =>
  Array.from({ length: count }, (_, at) => chatLine(`line-${at + 1}`, more));

async function begin(world: ServiceWorld, lines: readonly string[]): Promise<void> {
  const { id } = await (await clientOf(world)).begin(lines);
  const before = world.names.get('batch');
  if (before !== undefined) world.names.set('other batch', before);
  world.names.set('batch', id);
}

async function ended(world: ServiceWorld): Promise<BatchSeen> {
  return (await clientOf(world)).untilEnded(world.names.get('batch') ?? '');
}

When('I make a batch of {int} chats', async function (this: ServiceWorld, count: number) {
  await begin(this, chats(count));
});

When(
  'I make a batch of {int} chats and one for a model that nobody has',
  async function (this: ServiceWorld, count: number) {
    await begin(this, [...chats(count), chatLine('other', { model: 'nobody-has-it' })]);
  },
);

When('I make a batch of {int} chats and a line that is no JSON', async function (this: ServiceWorld, count: number) {
  await begin(this, [...chats(count), '{"custom_id":']);
});

Given('a batch of {int} long chats is in progress', async function (this: ServiceWorld, count: number) {
  await begin(this, chats(count, LONG));
  const client = await clientOf(this);
  await client.until(this.names.get('batch') ?? '', ({ request_counts: { completed } }) => completed > 2);
});

When('the engine is unbound', async function (this: ServiceWorld) {
  const { status, text } = await this.request('DELETE', '/v2/workers/gpu/r0');
  assert.equal(status, 204, text);
});

When('the engine is registered again', async function (this: ServiceWorld) {
  await this.bound(this.theEngine, 'gpu', 'r0', { engine: 'vllm', slots_total: 4 });
});

Then('the log says that lines of batches wait for its model', async function (this: ServiceWorld) {
  const { model } = await this.waitForLog(({ event }) => event === 'batch_model_away');
  assert.equal(model, 'some-model');
});

When('I cancel the batch', async function (this: ServiceWorld) {
  await (await clientOf(this)).cancel(this.names.get('batch') ?? '');
});

Then(
  'it ends as {string}, with {int} answers and {int} errors',
  async function (this: ServiceWorld, status: string, completed: number, failed: number) {
    const batch = await ended(this);
    const { request_counts: counts } = batch;
    assert.deepEqual([batch.status, counts.completed, counts.failed], [status, completed, failed]);
  },
);

Then(
  'it ends as {string}, and each of its {int} lines is in one of its files',
  async function (this: ServiceWorld, status: string, total: number) {
    const client = await clientOf(this);
    const batch = await ended(this);
    const output = await client.results(batch.output_file_id);
    const errors = await client.results(batch.error_file_id);
    assert.equal(batch.status, status);
    assert.deepEqual(batch.request_counts, { total, completed: output.length, failed: errors.length });
    assert.equal(new Set([...output, ...errors].map(({ custom_id: id }) => id)).size, total);
  },
);

Then('its answers are those of chats, one for each line', async function (this: ServiceWorld) {
  const batch = await ended(this);
  const results = await (await clientOf(this)).results(batch.output_file_id);
  assert.equal(new Set(results.map(({ custom_id: id }) => id)).size, batch.request_counts.total);
  for (const { response } of results) assert.equal(response?.body['object'], 'chat.completion');
});

Then('its first line is a task of the priority {string}', async function (this: ServiceWorld, priority: string) {
  const task = (await this.look(`/v2/tasks/${this.names.get('batch') ?? ''}.1`)).json();
  assert.equal(task['priority'], priority);
});

Then('its error has status {int}, about {string}', async function (this: ServiceWorld, status: number, param: string) {
  const [first] = await (await clientOf(this)).results((await ended(this)).error_file_id);
  const { error } = first?.response?.body as { readonly error: { readonly param: string } };
  assert.deepEqual([first?.response?.status_code, error.param], [status, param]);
});

Then('its fault is {string} in line {int}', async function (this: ServiceWorld, code: string, line: number) {
  const [fault] = (await ended(this)).errors?.data ?? [];
  assert.deepEqual([fault?.code, fault?.line], [code, line]);
});

Then('the lines that had not ended say {string}', async function (this: ServiceWorld, code: string) {
  const errors = await (await clientOf(this)).results((await ended(this)).error_file_id);
  assert.ok(errors.length > 0);
  for (const { response, error } of errors) assert.deepEqual([response, error?.code], [null, code]);
});

Then('the other batch is still in progress', async function (this: ServiceWorld) {
  const client = await clientOf(this);
  assert.equal((await client.get(this.names.get('other batch') ?? '')).status, 'in_progress');
});
