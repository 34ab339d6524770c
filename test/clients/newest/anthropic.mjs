import Anthropic, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  OverloadedError,
} from '@anthropic-ai/sdk';
import { all, apiKey, assert, citySchema, nobodyWorks, onEach, png, root, testCase } from './cases.mjs';

const made = { baseURL: root, apiKey };
const client = new Anthropic({ ...made, maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hello' }];
const asked = (wire, more = {}) => ({ model: `writer-${wire}`, messages, max_tokens: 20, ...more });
const tool = name => ({
  name,
  description: `The ${name} of a city`,
  input_schema: citySchema,
});
const tools = [tool('weather'), tool('news')];

await onEach('a message', async wire => {
  const message = await client.messages.create(asked(wire, { system: [{ type: 'text', text: 'Be brief.' }] }));
  assert.equal(message.stop_reason, 'max_tokens');
  assert.match(message.content[0].text, /./);
  assert.equal(message.usage.output_tokens, 20);
  assert.ok(message.usage.input_tokens > 0);
  assert.match(message._request_id, /./);
});
await onEach('the stream helper', async wire => {
  const stream = client.messages.stream(asked(wire));
  const texts = [];
  stream.on('text', text => texts.push(text));
  const message = await stream.finalMessage();
  assert.equal(texts.join(''), await stream.finalText());
  assert.equal(message.stop_reason, 'max_tokens');
  assert.equal(message.usage.output_tokens, 20);
});
await onEach('raw events of a stream', async wire => {
  const events = await all(await client.messages.create(asked(wire, { stream: true })));
  assert.equal(events[0].type, 'message_start');
  assert.equal(events.at(-1).type, 'message_stop');
});
await onEach('stop sequences', async wire => {
  const first = await client.messages.create(asked(wire, { max_tokens: 40, temperature: 0 }));
  const word = first.content[0].text.split(' ').find(each => each.length > 3) ?? 'the';
  const then = await client.messages.create(asked(wire, { max_tokens: 40, temperature: 0, stop_sequences: [word] }));
  assert.ok(['stop_sequence', 'end_turn', 'max_tokens'].includes(then.stop_reason), then.stop_reason);
});
await onEach('tools, whole and streamed, and their answers', async wire => {
  const wanted = asked(wire, { tools, tool_choice: { type: 'any' }, max_tokens: 400 });
  const whole = await client.messages.create(wanted);
  const streamed = await client.messages.stream(wanted).finalMessage();
  for (const { stop_reason: stop, content } of [whole, streamed]) {
    assert.equal(stop, 'tool_use');
    const calls = content.filter(({ type }) => type === 'tool_use');
    assert.ok(calls.length >= 1);
    for (const { input } of calls) assert.equal(typeof input.city, 'string');
  }
  const results = whole.content
    .filter(({ type }) => type === 'tool_use')
    .map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: [{ type: 'text', text: 'sunny' }] }));
  const talk = [...messages, { role: 'assistant', content: whole.content }, { role: 'user', content: results }];
  const then = await client.messages.create(asked(wire, { tools, messages: talk }));
  assert.equal(then.content[0].type, 'text');
});
await onEach("the SDK's own rounds of tools", async wire => {
  const heard = [];
  const runner = client.beta.messages.toolRunner({
    ...asked(wire, { max_tokens: 400, max_iterations: 4 }),
    tools: [
      {
        ...tool('weather'),
        parse: input => input,
        run: ({ city }) => {
          heard.push(city);
          return 'sunny';
        },
      },
    ],
  });
  const last = await runner;
  assert.equal(heard.length, 1);
  assert.equal(last.content[0].type, 'text');
});
await onEach('images', async wire => {
  const [, data] = png.split(',');
  const content = [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
    { type: 'text', text: 'What is this?', cache_control: { type: 'ephemeral' } },
  ];
  const message = await client.messages.create(asked(wire, { messages: [{ role: 'user', content }] }));
  assert.match(message.content[0].text, /./);
});
await onEach('thinking', async wire => {
  const wanted = { model: `thinker-${wire}`, max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } };
  const { content } = await client.messages.stream(asked(wire, wanted)).finalMessage();
  assert.deepEqual(
    content.map(({ type }) => type),
    ['thinking', 'text'],
  );
  const talk = [...messages, { role: 'assistant', content }, ...messages];
  assert.match((await client.messages.create(asked(wire, { messages: talk }))).content[0].text, /./);
});
await onEach('structured output', async wire => {
  const schema = {
    ...{ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false },
  };
  const wanted = asked(wire, { max_tokens: 300, output_config: { format: { type: 'json_schema', schema } } });
  const { content } = await client.messages.create(wanted);
  assert.equal(typeof JSON.parse(content[0].text).n, 'number');
});
await onEach(
  'count_tokens',
  async wire => {
    const { input_tokens: few } = await client.messages.countTokens({ model: `writer-${wire}`, messages });
    const longer = [{ role: 'user', content: 'Hello, how are you this morning?' }];
    const { input_tokens: more } = await client.messages.countTokens({
      ...{ model: `writer-${wire}`, messages: longer, tools, system: 'Be brief.' },
    });
    assert.ok(few > 0 && more > few);
    const beta = await client.beta.messages.countTokens({ model: `writer-${wire}`, messages, betas: ['some-beta'] });
    assert.equal(beta.input_tokens, few);
  },
  ['vllm', 'llamacpp'],
);
await onEach('an abort', async wire => {
  const stream = client.messages.stream(asked(wire, { max_tokens: 3000 }));
  stream.on('text', () => stream.abort());
  await assert.rejects(stream.finalMessage(), APIUserAbortError);
  await nobodyWorks();
});
await testCase('classes of errors', async () => {
  const of = more => client.messages.create(asked('vllm', more));
  await assert.rejects(of({ model: 'nobody' }), NotFoundError);
  await assert.rejects(of({ messages: [] }), BadRequestError);
  await assert.rejects(of({ max_tokens: undefined }), BadRequestError);
  await assert.rejects(of({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }), BadRequestError);
  await assert.rejects(of({ model: 'gone' }), OverloadedError);
  const stranger = new Anthropic({ ...made, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(stranger.messages.create(asked('vllm')), AuthenticationError);
  const error = await of({ model: 'nobody' }).catch(thrown => thrown);
  assert.deepEqual([error.type, error.error.error.type], ['not_found_error', 'not_found_error']);
  assert.match(error.requestID, /./);
});
await testCase('overloaded_error is retried when it says', async () => {
  const held = client.messages.stream(asked('x', { model: 'single', max_tokens: 3000 }));
  held.finalMessage().catch(() => undefined);
  await new Promise(resolve => held.once('text', resolve));
  const statuses = [];
  const counting = async (...request) => {
    const answer = await fetch(...request);
    statuses.push(answer.status);
    if (answer.status === 529) {
      const { error } = await answer.clone().json();
      assert.equal(error.type, 'overloaded_error');
      held.abort();
    }
    return answer;
  };
  const patient = new Anthropic({ ...made, maxRetries: 8, fetch: counting });
  const headers = { 'X-Orchd-Do-Not-Queue': 'true' };
  const message = await patient.messages.create(asked('x', { model: 'single', max_tokens: 2 }), { headers });
  assert.equal(message.usage.output_tokens, 2);
  assert.deepEqual([statuses[0], statuses.at(-1)], [529, 200]);
});
