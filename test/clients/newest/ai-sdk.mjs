import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateText, jsonSchema, Output, streamText, tool } from 'ai';
import { all, apiKey, assert, baseURL, citySchema, nobodyWorks, onEach, png, testCase } from './cases.mjs';

const made = { name: 'orchestratord', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true };
const provider = createOpenAICompatible(made);
const prompt = 'Hello';
const named = name =>
  tool({
    description: `The ${name} of a city`,
    inputSchema: jsonSchema(citySchema),
  });
const tools = { weather: named('weather'), news: named('news') };
const once = { maxRetries: 0, maxOutputTokens: 5 };

await onEach('a text', async wire => {
  const { text, usage, finishReason } = await generateText({ model: provider(`writer-${wire}`), prompt, ...once });
  assert.match(text, /./);
  assert.equal(usage.outputTokens, 5);
  assert.equal(finishReason, 'length');
});
await onEach('a text, streamed, usage on', async wire => {
  const result = streamText({ model: provider(`writer-${wire}`), prompt, ...once });
  assert.match((await all(result.textStream)).join(''), /./);
  assert.equal((await result.usage).outputTokens, 5);
  assert.equal(await result.finishReason, 'length');
});
await onEach('a text, streamed, usage off', async wire => {
  const silent = createOpenAICompatible({ ...made, includeUsage: false });
  const result = streamText({ model: silent(`writer-${wire}`), prompt, ...once });
  assert.match((await all(result.textStream)).join(''), /./);
});
await onEach('parallel tools, whole and streamed', async wire => {
  const wanted = {
    model: provider(`writer-${wire}`),
    prompt,
    tools,
    toolChoice: 'required',
    // llama.cpp calls one at a time unless it is asked for more.
    providerOptions: { orchestratord: { parallel_tool_calls: true } },
    maxRetries: 0,
    maxOutputTokens: 400,
  };
  const whole = await generateText(wanted);
  const streamed = streamText(wanted);
  await all(streamed.textStream);
  for (const calls of [whole.toolCalls, await streamed.toolCalls]) {
    assert.deepEqual(
      calls.map(({ toolName }) => toolName),
      ['weather', 'news'],
    );
    for (const { input } of calls) assert.equal(typeof input.city, 'string');
  }
});
await onEach('structured output', async wire => {
  const schema = jsonSchema({
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  });
  const { output } = await generateText({
    ...{
      model: provider(`writer-${wire}`),
      prompt,
      maxRetries: 0,
      maxOutputTokens: 1000,
      output: Output.object({ schema }),
    },
  });
  assert.equal(typeof output.name, 'string');
});
await onEach('images', async wire => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'file', mediaType: 'image/png', data: png },
  ];
  const { text } = await generateText({
    model: provider(`writer-${wire}`),
    messages: [{ role: 'user', content }],
    ...once,
  });
  assert.match(text, /./);
});
await onEach('reasoning', async wire => {
  const model = provider(`thinker-${wire}`);
  const { reasoningText } = await generateText({ model, prompt, maxRetries: 0, maxOutputTokens: 12 });
  assert.match(reasoningText, /./);
  const streamed = streamText({ model, prompt, maxRetries: 0, maxOutputTokens: 12 });
  await all(streamed.textStream);
  assert.match(await streamed.reasoningText, /./);
});
await onEach('an abort', async wire => {
  const abort = new AbortController();
  const model = provider(`writer-${wire}`);
  const result = streamText({
    model,
    prompt,
    maxOutputTokens: 3000,
    abortSignal: abort.signal,
    onError: () => undefined,
  });
  for await (const _ of result.textStream) abort.abort();
  await nobodyWorks();
});
await testCase('errors', async () => {
  for (const [model, status] of [
    ['nobody', 404],
    ['gone', 503],
  ]) {
    const error = await generateText({ model: provider(model), prompt, ...once }).catch(thrown => thrown);
    assert.ok(APICallError.isInstance(error), String(error));
    assert.equal(error.statusCode, status);
  }
});
await onEach('embeddings', async wire => {
  const { embeddings, usage } = await embedMany({
    model: provider.embeddingModel(`embedder-${wire}`),
    values: ['a', 'b'],
  });
  assert.equal(embeddings.length, 2);
  assert.ok(embeddings[0].every(value => typeof value === 'number'));
  assert.ok(usage.tokens > 0);
});
