import { APICallError, generateText, jsonSchema, Output, streamText, tool } from 'ai';
import { all, assert, citySchema, nobodyWorks, onEach, png, testCase } from './cases.mjs';

const prompt = 'Hello';
const named = name =>
  tool({
    description: `The ${name} of a city`,
    inputSchema: jsonSchema(citySchema),
  });
const once = { maxRetries: 0, maxOutputTokens: 5 };

/** What each provider of the AI SDK that is not made for chats must do here. @param missing the status of a model that nobody serves now */
export async function providerCases(provider, { missing }) {
  await onEach('a text, whole and streamed', async wire => {
    const model = provider(`writer-${wire}`);
    const whole = await generateText({ model, prompt, ...once });
    assert.match(whole.text, /./);
    assert.equal(whole.usage.outputTokens, 5);
    assert.equal(whole.finishReason, 'length');
    const streamed = streamText({ model, prompt, ...once });
    assert.match((await all(streamed.textStream)).join(''), /./);
    assert.equal((await streamed.usage).outputTokens, 5);
    assert.equal(await streamed.finishReason, 'length');
  });
  await onEach('tools, whole and streamed', async wire => {
    const wanted = {
      ...{ model: provider(`writer-${wire}`), prompt, tools: { weather: named('weather') }, toolChoice: 'required' },
      ...{ maxRetries: 0, maxOutputTokens: 400 },
    };
    const whole = await generateText(wanted);
    const streamed = streamText(wanted);
    await all(streamed.textStream);
    for (const calls of [whole.toolCalls, await streamed.toolCalls]) {
      assert.deepEqual(
        calls.map(({ toolName }) => toolName),
        ['weather'],
      );
      assert.equal(typeof calls[0].input.city, 'string');
    }
  });
  await onEach('three rounds of a tool', async wire => {
    const heard = [];
    const weather = { ...named('weather'), execute: ({ city }) => (heard.push(city), 'sunny') };
    const { text, steps } = await generateText({
      ...{ model: provider(`writer-${wire}`), prompt, tools: { weather }, maxRetries: 0, maxOutputTokens: 400 },
      stopWhen: ({ steps: done }) => done.length === 4,
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber < 3 ? 'required' : 'none' }),
    });
    assert.equal(heard.length, 3);
    assert.equal(steps.length, 4);
    assert.match(text, /./);
  });
  await onEach('structured output', async wire => {
    const schema = jsonSchema({
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      additionalProperties: false,
    });
    const { output } = await generateText({
      ...{ model: provider(`writer-${wire}`), prompt, maxRetries: 0, maxOutputTokens: 1000 },
      output: Output.object({ schema }),
    });
    assert.equal(typeof output.name, 'string');
  });
  await onEach('images', async wire => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'file', mediaType: 'image/png', data: png.split(',')[1] },
    ];
    const messages = [{ role: 'user', content }];
    assert.match((await generateText({ model: provider(`writer-${wire}`), messages, ...once })).text, /./);
  });
  await onEach('reasoning', async wire => {
    const model = provider(`thinker-${wire}`);
    const wanted = { model, prompt, maxRetries: 0, maxOutputTokens: 12 };
    assert.match((await generateText(wanted)).reasoningText, /./);
    const streamed = streamText(wanted);
    await all(streamed.textStream);
    assert.match(await streamed.reasoningText, /./);
  });
  await onEach('an abort', async wire => {
    const abort = new AbortController();
    const result = streamText({
      ...{ model: provider(`writer-${wire}`), prompt, maxOutputTokens: 3000, maxRetries: 0 },
      abortSignal: abort.signal,
      onError: () => undefined,
    });
    for await (const _ of result.textStream) abort.abort();
    await nobodyWorks();
  });
  await testCase('errors', async () => {
    for (const [model, status] of [
      ['nobody', 404],
      ['gone', missing],
    ]) {
      const error = await generateText({ model: provider(model), prompt, ...once }).catch(thrown => thrown);
      assert.ok(APICallError.isInstance(error), String(error));
      assert.equal(error.statusCode, status);
    }
  });
}
