import { AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { all, apiKey, assert, baseURL, nobodyWorks, onEach, png, testCase } from './cases.mjs';

const chat = (wire, more = {}) =>
  new ChatOpenAI({ model: `writer-${wire}`, apiKey, configuration: { baseURL }, maxTokens: 5, maxRetries: 0, ...more });
const named = name =>
  tool(() => 'sunny', { name, description: `The ${name} of a city`, schema: z.object({ city: z.string() }) });
const tools = [named('weather'), named('news')];

await onEach('a chat', async wire => {
  const answer = await chat(wire).invoke('Hello');
  assert.match(answer.text, /./);
  assert.equal(answer.usage_metadata.output_tokens, 5);
  assert.equal(answer.response_metadata.finish_reason, 'length');
});
await onEach('a chat, streamed, usage on', async wire => {
  const chunks = await all(await chat(wire, { streamUsage: true }).stream('Hello'));
  const answer = chunks.reduce((whole, chunk) => whole.concat(chunk));
  assert.ok(answer instanceof AIMessageChunk);
  assert.match(answer.text, /./);
  assert.equal(answer.usage_metadata.output_tokens, 5);
});
await onEach('a chat, streamed, usage off', async wire => {
  const chunks = await all(await chat(wire, { streamUsage: false }).stream('Hello'));
  const answer = chunks.reduce((whole, chunk) => whole.concat(chunk));
  assert.equal(answer.usage_metadata, undefined);
});
await onEach('parallel tools, whole and streamed; a tool answers', async wire => {
  const model = chat(wire, { maxTokens: 400 }).bindTools(tools, { tool_choice: 'required', parallel_tool_calls: true });
  const whole = await model.invoke('Hello');
  const streamed = (await all(await model.stream('Hello'))).reduce((sum, chunk) => sum.concat(chunk));
  for (const { tool_calls: calls } of [whole, streamed]) {
    assert.deepEqual(
      calls.map(({ name }) => name),
      ['weather', 'news'],
    );
    for (const { args } of calls) assert.equal(typeof args.city, 'string');
  }
  const answers = whole.tool_calls.map(({ id }) => new ToolMessage({ content: 'sunny', tool_call_id: id }));
  const then = await chat(wire)
    .bindTools(tools)
    .invoke([new HumanMessage('Hello'), whole, ...answers]);
  assert.match(then.text, /./);
});
await onEach('structured output', async wire => {
  const schema = z.object({ name: z.string(), age: z.number().int() });
  for (const method of ['jsonSchema', 'functionCalling']) {
    const parsed = await chat(wire, { maxTokens: 1000 }).withStructuredOutput(schema, { method }).invoke('Hello');
    assert.equal(typeof parsed.name, 'string');
  }
});
await onEach('images', async wire => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: png } },
  ];
  assert.match((await chat(wire).invoke([new HumanMessage({ content })])).text, /./);
});
await onEach('logprobs and several choices', async wire => {
  const answer = await chat(wire, { logprobs: true, topLogprobs: 2 }).invoke('Hello');
  assert.equal(answer.response_metadata.logprobs.content.length, 5);
  const { generations } = await chat(wire, { n: 2 }).generate([[new HumanMessage('Hello')]]);
  assert.equal(generations[0].length, 2);
});
await onEach('an abort', async wire => {
  const abort = new AbortController();
  const stream = await chat(wire, { maxTokens: 3000 }).stream('Hello', { signal: abort.signal });
  const read = (async () => {
    for await (const _ of stream) abort.abort();
  })();
  await read.catch(() => undefined);
  await nobodyWorks();
});
await testCase('errors', async () => {
  await assert.rejects(chat('x', { model: 'nobody' }).invoke('Hello'), { status: 404 });
  await assert.rejects(chat('x', { model: 'gone' }).invoke('Hello'), { status: 503 });
});
await onEach('embeddings', async wire => {
  const embeddings = new OpenAIEmbeddings({
    model: `embedder-${wire}`,
    apiKey,
    configuration: { baseURL },
    maxRetries: 0,
  });
  const vectors = await embeddings.embedDocuments(['a', 'b']);
  assert.equal(vectors.length, 2);
  assert.ok(vectors[0].length > 0);
});
