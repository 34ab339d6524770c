import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { all, apiKey, assert, baseURL, onEach, testCase } from './cases.mjs';

setTracingDisabled(true);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
// It speaks the Responses API unless told.
const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: client, useResponses: false }) });
const agent = (wire, more = {}) =>
  new Agent({
    name: 'Helper',
    instructions: 'Be brief.',
    model: `writer-${wire}`,
    modelSettings: { maxTokens: 5 },
    ...more,
  });

await onEach('a run', async wire => {
  const { finalOutput } = await runner.run(agent(wire), 'Hello');
  assert.match(finalOutput, /./);
});
await onEach('a run, streamed', async wire => {
  const result = await runner.run(agent(wire), 'Hello', { stream: true });
  const events = await all(result);
  await result.completed;
  assert.ok(events.some(({ type }) => type === 'raw_model_stream_event'));
  assert.match(result.finalOutput, /./);
});
await onEach('a tool is called, and the run goes on', async wire => {
  const asked = [];
  const weather = tool({
    name: 'weather',
    description: 'The weather of a city',
    parameters: z.object({ city: z.string() }),
    execute: ({ city }) => {
      asked.push(city);
      return 'sunny';
    },
  });
  const helper = agent(wire, { tools: [weather], modelSettings: { maxTokens: 400, toolChoice: 'auto' } });
  const { finalOutput } = await runner.run(helper, 'Hello', { maxTurns: 4 });
  assert.equal(asked.length, 1);
  assert.match(finalOutput, /./);
});
await onEach('structured output', async wire => {
  const outputType = z.object({ name: z.string(), age: z.number().int() });
  const { finalOutput } = await runner.run(agent(wire, { outputType, modelSettings: { maxTokens: 1000 } }), 'Hello');
  assert.equal(typeof finalOutput.name, 'string');
});
await testCase('errors', async () => {
  await assert.rejects(runner.run(agent('x', { model: 'nobody' }), 'Hello'), { status: 404 });
});
