import OpenAI, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  all,
  apiKey,
  assert,
  assertVectors,
  baseURL,
  citySchema,
  nobodyWorks,
  onEach,
  png,
  testCase,
} from './cases.mjs';

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hello' }];
const ask = (wire, more = {}) =>
  client.chat.completions.create({ model: `writer-${wire}`, messages, max_tokens: 5, ...more });
const tool = name => ({
  type: 'function',
  function: { name, parameters: citySchema },
});
const tools = [tool('weather'), tool('news')];
// llama.cpp calls one at a time unless it is asked for more.
const atOnce = { parallel_tool_calls: true, max_tokens: 400 };

await onEach('a chat', async wire => {
  const chat = await ask(wire);
  assert.equal(chat.object, 'chat.completion');
  assert.equal(chat.model, `writer-${wire}`);
  assert.equal(chat.choices[0].finish_reason, 'length');
  assert.equal(chat.usage.completion_tokens, 5);
  assert.match(chat._request_id, /./);
});
await onEach('a chat, streamed, usage off', async wire => {
  const chunks = await all(await ask(wire, { stream: true }));
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
  assert.ok(chunks.every(({ usage }) => usage === undefined));
});
await onEach('a chat, streamed, usage on', async wire => {
  const chunks = await all(await ask(wire, { stream: true, stream_options: { include_usage: true } }));
  assert.equal(chunks.at(-1).usage.completion_tokens, 5);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null));
});
await onEach('parallel tools, whole', async wire => {
  const { choices } = await ask(wire, { tools, tool_choice: 'required', ...atOnce });
  assert.equal(choices[0].finish_reason, 'tool_calls');
  assert.deepEqual(
    choices[0].message.tool_calls.map(call => call.function.name),
    ['weather', 'news'],
  );
  assert.equal(new Set(choices[0].message.tool_calls.map(({ id }) => id)).size, 2);
  for (const call of choices[0].message.tool_calls)
    assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
});
await onEach('parallel tools, streamed, by the helper', async wire => {
  const stream = client.chat.completions.stream({
    ...{ model: `writer-${wire}`, messages, tools, tool_choice: 'required', ...atOnce },
  });
  const { choices } = await stream.finalChatCompletion();
  assert.equal(choices[0].finish_reason, 'tool_calls');
  assert.deepEqual(
    choices[0].message.tool_calls.map(call => call.function.name),
    ['weather', 'news'],
  );
  for (const call of choices[0].message.tool_calls)
    assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
});
await onEach('a tool answers, and the chat goes on', async wire => {
  const first = await ask(wire, { tools, tool_choice: 'required', parallel_tool_calls: false, max_tokens: 400 });
  const [call] = first.choices[0].message.tool_calls;
  const answer = { role: 'tool', tool_call_id: call.id, content: 'sunny' };
  const then = await ask(wire, { tools, messages: [...messages, first.choices[0].message, answer] });
  assert.match(then.choices[0].message.content, /./);
});
await onEach('structured output', async wire => {
  const schema = z.object({ name: z.string(), age: z.number().int() });
  const chat = await client.chat.completions.parse({
    ...{ model: `writer-${wire}`, messages, max_tokens: 1000, response_format: zodResponseFormat(schema, 'person') },
  });
  assert.equal(typeof chat.choices[0].message.parsed.name, 'string');
});
await onEach('images', async wire => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: png } },
  ];
  assert.match((await ask(wire, { messages: [{ role: 'user', content }] })).choices[0].message.content, /./);
});
await onEach('logprobs', async wire => {
  const { choices } = await ask(wire, { logprobs: true, top_logprobs: 2 });
  assert.equal(choices[0].logprobs.content.length, 5);
  assert.equal(choices[0].logprobs.content.map(({ token }) => token).join(''), choices[0].message.content);
});
await onEach('several choices', async wire => {
  const whole = await ask(wire, { n: 3 });
  assert.deepEqual(
    whole.choices.map(({ index }) => index),
    [0, 1, 2],
  );
  const stream = client.chat.completions.stream({ model: `writer-${wire}`, messages, max_tokens: 4, n: 2 });
  const { choices } = await stream.finalChatCompletion();
  assert.deepEqual(
    choices.map(({ finish_reason: finish }) => finish),
    ['length', 'length'],
  );
});
await onEach('reasoning', async wire => {
  const { choices } = await ask(wire, { model: `thinker-${wire}`, max_tokens: 12 });
  assert.match(choices[0].message.reasoning_content, /./);
  const chunks = await all(await ask(wire, { model: `thinker-${wire}`, max_tokens: 12, stream: true }));
  assert.ok(chunks.some(chunk => chunk.choices[0]?.delta.reasoning_content));
});
await onEach('an abort, whole and streamed', async wire => {
  for (const stream of [false, true]) {
    const abort = new AbortController();
    const asked = client.chat.completions
      .create({ model: `writer-${wire}`, messages, max_tokens: 3000, stream }, { signal: abort.signal })
      .then(async answer => {
        if (!stream) return;
        for await (const _ of answer) abort.abort();
      });
    if (!stream) setTimeout(() => abort.abort(), 300);
    const error = await asked.catch(thrown => thrown);
    if (!stream) assert.ok(error instanceof APIUserAbortError, String(error));
    await nobodyWorks();
  }
});
await testCase('a 429 is retried when it says', async () => {
  const held = new AbortController();
  const long = await client.chat.completions.create(
    { model: 'single', messages, max_tokens: 3000, stream: true },
    { signal: held.signal },
  );
  let calls = 0;
  const statuses = [];
  const counting = async (...request) => {
    const answer = await fetch(...request);
    calls++;
    statuses.push(answer.status);
    if (answer.status === 429) held.abort();
    return answer;
  };
  const headers = { 'X-Orchd-Do-Not-Queue': 'true' };
  const patient = new OpenAI({ baseURL, apiKey, maxRetries: 8, fetch: counting });
  const chat = await patient.chat.completions.create({ model: 'single', messages, max_tokens: 2 }, { headers });
  assert.equal(chat.usage.completion_tokens, 2);
  assert.equal(statuses[0], 429);
  assert.equal(statuses.at(-1), 200);
  assert.ok(calls > 1);
  await all(long).catch(() => undefined);
});
await testCase('classes of errors', async () => {
  const of = async more => client.chat.completions.create({ model: 'writer-vllm', messages, max_tokens: 2, ...more });
  await assert.rejects(of({ model: 'nobody' }), NotFoundError);
  await assert.rejects(of({ messages: [] }), BadRequestError);
  await assert.rejects(of({ model: 'gone' }), InternalServerError);
  await assert.rejects(new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 }).models.list(), AuthenticationError);
  await assert.rejects(
    client.chat.completions
      .create(
        { model: 'writer-vllm', messages, max_tokens: 200 },
        { headers: { 'X-Orchd-Session': 'poor', 'X-Orchd-Pool': 'writer-vllm' } },
      )
      .then(() =>
        client.chat.completions.create(
          { model: 'writer-vllm', messages, max_tokens: 4000 },
          { headers: { 'X-Orchd-Session': 'poor' } },
        ),
      ),
    RateLimitError,
  );
});
await onEach('embeddings, base64 and float', async wire => {
  const [base64, float] = await Promise.all(
    [undefined, 'float'].map(encoding_format =>
      client.embeddings.create({
        model: `embedder-${wire}`,
        input: ['a', 'b'],
        ...(encoding_format && { encoding_format }),
      }),
    ),
  );
  assert.equal(base64.data.length, 2);
  await assertVectors(
    base64.data.map(({ embedding }) => embedding),
    float.data.map(({ embedding }) => embedding),
  );
});
await testCase('models', async () => {
  const models = (await all(client.models.list())).map(({ id }) => id);
  assert.ok(models.includes('writer-vllm') && models.includes('gone'));
});
