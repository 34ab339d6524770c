import { strict as assert } from 'node:assert';
import { request as httpRequest } from 'node:http';
import { Given, Then, When } from '@cucumber/cucumber';
import { LAST_RESORT_MS } from '../../test/support/deadline';
import type { ServiceWorld } from '../support/world';

type Members = Readonly<Record<string, unknown>>;

const messages = [{ role: 'user', content: 'Hello' }];
const MODEL = 'some-model';

async function bindVllm(world: ServiceWorld, slots: number, more: object = {}): Promise<void> {
  const engine = await world.engine({ wire: 'vllm', model: MODEL, slots, ...more });
  await world.bound(engine, 'gpu', 'r0', { engine: 'vllm', slots_total: slots });
}

Given('a vLLM engine with {int} slot(s) is bound', async function (this: ServiceWorld, slots: number) {
  await bindVllm(this, slots);
});

Given('a slow vLLM engine with {int} slot(s) is bound', async function (this: ServiceWorld, slots: number) {
  await bindVllm(this, slots, { tokensPerSecond: 20 });
});

Given(
  'a vLLM engine that takes {int} ms for a prompt is bound',
  async function (this: ServiceWorld, prefillMs: number) {
    await bindVllm(this, 4, { prefillMs });
  },
);

Given('the engine has stopped', async function (this: ServiceWorld) {
  await this.theEngine.stop();
  await this.until('/v2/pools/gpu/health', ({ ready }) => ready === false);
});

Given(/^a vLLM engine that serves (embeddings|rerank) is bound$/, async function (this: ServiceWorld, serves: string) {
  await bindVllm(this, 4, { serves });
});

async function ask(world: ServiceWorld, path: string, more: Members): Promise<void> {
  await world.request('POST', path, { model: MODEL, ...more });
}

When(/^I ask for a chat(?: with (\{.*\}))?$/, async function (this: ServiceWorld, more: string | null) {
  await ask(this, '/v1/chat/completions', { messages, max_tokens: 4, ...(JSON.parse(more ?? '{}') as Members) });
});

When(/^I ask \/v1\/([a-z]+) for (\{.*\})$/, async function (this: ServiceWorld, route: string, body: string) {
  await ask(this, `/v1/${route}`, JSON.parse(body) as Members);
});

When(/^I ask \/rerank for (\{.*\})$/, async function (this: ServiceWorld, body: string) {
  await ask(this, '/rerank', JSON.parse(body) as Members);
});

/** Leaves once the engine has it, or once it waits in our queue. */
async function leaveAt(world: ServiceWorld, stream: boolean, isThere: () => Promise<unknown>): Promise<void> {
  const service = await world.service();
  const body = JSON.stringify({ model: MODEL, messages, max_tokens: 4000, stream });
  const headers = { 'X-API-Key': service.apiKey, 'Content-Type': 'application/json' };
  const request = httpRequest(`${service.url}/v1/chat/completions`, { method: 'POST', agent: false, headers });
  request.on('error', () => undefined).end(body);
  await isThere();
  request.destroy();
}

When(
  /^a client asks for a (streamed chat|chat), and leaves when the engine is at work on it$/,
  async function (this: ServiceWorld, kind: string) {
    const atWork = () => this.theEngine.until(({ active }) => active === 1, LAST_RESORT_MS);
    await leaveAt(this, kind === 'streamed chat', atWork);
  },
);

When(
  /^a client asks for a (streamed chat|chat), and leaves when it is queued$/,
  async function (this: ServiceWorld, kind: string) {
    const queued = () => this.until('/v2/tasks?state=queued', ({ items }) => (items as unknown[]).length === 1);
    await leaveAt(this, kind === 'streamed chat', queued);
  },
);

Given('the only slot is taken by a task {string}', async function (this: ServiceWorld, taskId: string) {
  await this.accepted(taskId, { max_tokens: 4000, deadline_ms: 600_000 });
  await this.theEngine.until(({ active }) => active === 1, LAST_RESORT_MS);
});

Then('{int} task(s) ended as cancelled', async function (this: ServiceWorld, count: number) {
  await this.until('/v2/tasks?state=cancelled', ({ items }) => (items as unknown[]).length === count);
});

Then('no task is queued', async function (this: ServiceWorld) {
  await this.until('/v2/tasks?state=queued', ({ items }) => (items as unknown[]).length === 0);
});

/** What is in the frames of the last answer, and nothing else may be there: no ids, no names of events, no comments. */
function framesOf({ answer }: ServiceWorld): readonly unknown[] {
  const frames = answer.text.split('\n\n');
  assert.equal(frames.pop(), '');
  return frames.map(frame => {
    assert.ok(frame.startsWith('data: ') && !frame.includes('\n'), frame);
    const data = frame.slice('data: '.length);
    return data === '[DONE]' ? data : (JSON.parse(data) as unknown);
  });
}

interface Chunk {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly usage?: Members | null;
  readonly choices: readonly { index: number; delta: Members; finish_reason: string | null }[];
}

function chunksOf(world: ServiceWorld): readonly Chunk[] {
  const frames = framesOf(world);
  assert.equal(frames.at(-1), '[DONE]', world.answer.text.slice(-300));
  return frames.slice(0, -1) as readonly Chunk[];
}

Then(
  'its chunks are the role, the text, the reason {string} and the sentinel',
  function (this: ServiceWorld, reason: string) {
    const [first, ...rest] = chunksOf(this).map(({ choices }) => choices[0]);
    assert.deepEqual(first?.delta, { role: 'assistant', content: '', refusal: null });
    const last = rest.pop();
    assert.deepEqual([last?.delta, last?.finish_reason], [{}, reason]);
    for (const choice of rest) {
      assert.deepEqual(Object.keys(choice?.delta ?? {}), ['content']);
      assert.equal(choice?.finish_reason, null);
    }
  },
);

Then('all chunks have one id, one time and the model that was asked for', function (this: ServiceWorld) {
  const seen = new Set(chunksOf(this).map(({ id, created, model }) => JSON.stringify([id, created, model])));
  assert.equal(seen.size, 1);
  assert.ok([...seen][0]?.endsWith(`"${MODEL}"]`));
});

Then('no chunk tells usage', function (this: ServiceWorld) {
  for (const chunk of chunksOf(this)) assert.ok(!('usage' in chunk));
});

Then('only the last chunk tells usage, of {int} tokens', function (this: ServiceWorld, tokens: number) {
  const chunks = [...chunksOf(this)];
  const last = chunks.pop();
  assert.deepEqual([last?.choices, last?.usage?.['completion_tokens']], [[], tokens]);
  for (const { usage } of chunks) assert.equal(usage, null);
});

Then('each of {int} choices has a role, text and a reason of its own', function (this: ServiceWorld, count: number) {
  const choices = chunksOf(this).flatMap(chunk => chunk.choices);
  for (let index = 0; index < count; index++) {
    const own = choices.filter(choice => choice.index === index);
    assert.deepEqual(own[0]?.delta['role'], 'assistant');
    assert.deepEqual(own.at(-1)?.delta, {});
    assert.deepEqual(
      own.filter(choice => choice.finish_reason !== null).map(choice => choice.finish_reason),
      ['length'],
    );
  }
});

Then('while it waits the chunks say nothing, after the role', function (this: ServiceWorld) {
  const [first, second] = chunksOf(this).map(({ choices }) => choices[0]);
  assert.equal(first?.delta['role'], 'assistant');
  assert.deepEqual(second?.delta, {});
});

Then('its last frame is an error with the code {string}', function (this: ServiceWorld, code: string) {
  const { error } = framesOf(this).at(-1) as { readonly error: Members };
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.equal(error['code'], code);
});

Then(
  'the answer is an error {int} of type {string}, with the code {string}',
  function (this: ServiceWorld, status: number, type: string, code: string) {
    assert.equal(this.answer.status, status, this.answer.text);
    const { error } = this.json as { readonly error: Members };
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
    assert.deepEqual([error['type'], error['code']], [type, code], String(error['message']));
  },
);

Then('its parameter at fault is {string}', function (this: ServiceWorld, param: string) {
  assert.equal((this.json as { readonly error: Members }).error['param'], param);
});

Then('a client is told {string} to try again', function (this: ServiceWorld, whether: string) {
  assert.equal(this.answer.headers['x-should-retry'], whether === 'not' ? 'false' : undefined);
});

Then('the answer says where it ran, under which id, and how long it took', function (this: ServiceWorld) {
  const { headers } = this.answer;
  assert.equal(headers['x-request-id'], headers['x-correlation-id']);
  assert.match(String(headers['openai-processing-ms']), /^\d+$/);
  assert.deepEqual([headers['x-orchd-pool'], headers['x-orchd-replica']], ['gpu', 'r0']);
  for (const name of ['x-orchd-queue-position', 'x-orchd-predicted-start-ms'])
    assert.match(String(headers[name]), /^\d+$/);
});

Then(
  '{string} shows it as a task of the operation {string}, with its output',
  async function (this: ServiceWorld, route: string, workload: string) {
    const { headers } = this.answer;
    const { choices, content } = this.json as {
      readonly choices?: readonly { message: { content: string } }[];
      readonly content?: readonly { text: string }[];
    };
    const task = (await this.look(`${route}/${String(headers['x-orchd-task-id'])}?output=true`)).json();
    assert.deepEqual([task['workload'], task['state']], [workload, 'completed']);
    assert.equal((task['output'] as Members)['text'], choices?.[0]?.message.content ?? content?.[0]?.text);
  },
);

Given('a client request with {word} {string}', function (this: ServiceWorld, header: string, value: string) {
  this.headers[header] = value;
});

Given('the key is sent as a bearer token', async function (this: ServiceWorld) {
  this.headers = { 'X-API-Key': undefined, Authorization: `Bearer ${(await this.service()).apiKey}` };
});

Then('the models are {string}', function (this: ServiceWorld, names: string) {
  const { object, data } = this.json as { readonly object: string; readonly data: readonly Members[] };
  assert.equal(object, 'list');
  assert.deepEqual(data.map(({ id }) => id).join(', '), names);
});

Then('the answer has {int} embedding(s) in {word}', function (this: ServiceWorld, count: number, form: string) {
  const { data } = this.json as { readonly data: readonly { embedding: unknown }[] };
  assert.equal(data.length, count);
  for (const { embedding } of data) assert.equal(Array.isArray(embedding), form === 'numbers');
});

Then('the answer has {int} completions of {int} tokens', function (this: ServiceWorld, count: number, tokens: number) {
  const { choices, usage } = this.json as { readonly choices: readonly { index: number }[]; readonly usage: Members };
  assert.deepEqual([choices.length, usage['completion_tokens']], [count, tokens]);
});

Then('the answer ranks {int} document(s)', function (this: ServiceWorld, count: number) {
  const { results } = this.json as { readonly results: readonly { relevance_score: number }[] };
  assert.equal(results.length, count);
});
