import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

type Members = Readonly<Record<string, unknown>>;

const MODEL = 'some-model';

Given('a vLLM engine that thinks is bound', async function (this: ServiceWorld) {
  const engine = await this.engine({ wire: 'vllm', model: MODEL, slots: 4, reasoningTokens: 3 });
  await this.bound(engine, 'gpu', 'r0', { engine: 'vllm', slots_total: 4 });
});

When(/^I send a message(?: with (\{.*\}))?$/, async function (this: ServiceWorld, more: string | null) {
  const messages = [{ role: 'user', content: 'Hello' }];
  await this.request('POST', '/v1/messages', {
    ...{ model: MODEL, max_tokens: 4, messages },
    ...(JSON.parse(more ?? '{}') as Members),
  });
});

Given('an Ollama engine is bound', async function (this: ServiceWorld) {
  const engine = await this.engine({ wire: 'ollama', model: MODEL, slots: 4 });
  await this.bound(engine, 'gpu', 'r0', { engine: 'ollama', slots_total: 4 });
});

When('I count the tokens of a message', async function (this: ServiceWorld) {
  const messages = [{ role: 'user', content: 'Hello there, how are you?' }];
  await this.request('POST', '/v1/messages/count_tokens?beta=true', { model: MODEL, messages });
});

Then('it has some input tokens, and nothing was run', function (this: ServiceWorld) {
  assert.ok(Number(this.json['input_tokens']) > 2);
  assert.equal(this.theEngine.stats().started, 0);
});

Then('it says that it was estimated', function (this: ServiceWorld) {
  assert.equal(this.answer.headers['x-orchd-estimated'], 'true');
});

When('I send a message after tools have answered', async function (this: ServiceWorld) {
  await this.request('POST', '/v1/messages', {
    model: MODEL,
    max_tokens: 4,
    system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: 'Is it raining?' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'I look.', signature: '' },
          { type: 'tool_use', id: 'toolu_1', name: 'look', input: { where: 'out' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'rain' }] },
          { type: 'text', text: 'And here?' },
        ],
      },
    ],
  });
});

Then('the engine has had a system prompt, a call and its answer', function (this: ServiceWorld) {
  const sent = JSON.stringify(this.theEngine.stats().requests.at(-1));
  for (const piece of ['Be brief.', 'toolu_1', 'look', 'rain', 'And here?']) assert.ok(sent.includes(piece), sent);
});

interface StreamEvent extends Members {
  readonly type: string;
  readonly index?: number;
  readonly content_block?: { readonly type: string };
}

/** Each frame has a name, which is that of its data. */
function eventsOf({ answer }: ServiceWorld): readonly StreamEvent[] {
  const frames = answer.text.split('\n\n');
  assert.equal(frames.pop(), '');
  return frames.map(frame => {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
    const event = JSON.parse(data ?? '') as StreamEvent;
    assert.equal(event.type, name);
    return event;
  });
}

Then(/^its events are (.*)$/, function (this: ServiceWorld, names: string) {
  const kinds = eventsOf(this).map(({ type }) => type);
  const runs = kinds.filter((kind, at) => kind !== kinds[at - 1]);
  assert.deepEqual(runs, names.split(', '));
});

Then(/^its blocks are (.*)$/, function (this: ServiceWorld, kinds: string) {
  const begun = eventsOf(this).flatMap(({ content_block: block }) => (block ? [block.type] : []));
  assert.deepEqual(begun, kinds.split(', '));
});

Then('each block stops before the next one starts', function (this: ServiceWorld) {
  const marks = eventsOf(this).filter(({ type }) => /^content_block_(start|stop)$/.test(type));
  assert.deepEqual(
    marks.map(({ type, index }) => [type, index]),
    marks.map((_, at) => [at % 2 === 0 ? 'content_block_start' : 'content_block_stop', Math.floor(at / 2)]),
  );
});

Then('it ended by {string}', function (this: ServiceWorld, reason: string) {
  const end = eventsOf(this).find(({ type }) => type === 'message_delta');
  assert.equal((end?.['delta'] as Members)['stop_reason'], reason);
});

Then('its last event is an error', function (this: ServiceWorld) {
  assert.deepEqual(eventsOf(this).at(-1)?.type, 'error');
});

Then('message_start has the input tokens that message_delta has', function (this: ServiceWorld) {
  const events = eventsOf(this) as readonly Members[];
  const usageOf = (value: unknown): Members => (value as { usage: Members }).usage;
  const begun = usageOf(events.find(({ type }) => type === 'message_start')?.['message']);
  const ended = usageOf(events.find(({ type }) => type === 'message_delta'));
  assert.ok(Number(begun['input_tokens']) > 0);
  assert.equal(begun['input_tokens'], ended['input_tokens']);
  for (const name of ['cache_creation_input_tokens', 'cache_read_input_tokens'])
    assert.deepEqual([begun[name], ended[name]], [0, 0]);
});

Then('while it waits there are pings, after message_start', function (this: ServiceWorld) {
  const [first, second] = eventsOf(this).map(({ type }) => type);
  assert.deepEqual([first, second], ['message_start', 'ping']);
});

Then(
  'it is a message of one text that ended by {string}, with its usage',
  function (this: ServiceWorld, reason: string) {
    const { id, type, role, model, content, stop_reason: stop, usage } = this.json;
    assert.match(String(id), /^msg_/);
    assert.deepEqual([type, role, model, stop], ['message', 'assistant', MODEL, reason]);
    const [block, ...others] = content as readonly Members[];
    assert.deepEqual([block?.['type'], others.length], ['text', 0]);
    const { input_tokens: read, output_tokens: made } = usage as Members;
    assert.ok(Number(read) > 0);
    assert.equal(made, 4);
  },
);

Then(
  "the answer is Anthropic's error {int} {string}, about {string}",
  function (this: ServiceWorld, status: number, type: string, about: string) {
    assert.equal(this.answer.status, status, this.answer.text);
    const { error, request_id: id } = this.json as { readonly error: Members; readonly request_id: string };
    assert.equal(error['type'], type);
    assert.ok(String(error['message']).includes(about), String(error['message']));
    assert.equal(id, this.answer.headers['request-id']);
  },
);
