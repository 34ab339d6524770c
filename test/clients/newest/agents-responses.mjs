import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { all, apiKey, assert, baseURL, onEach, testCase } from './cases.mjs';

setTracingDisabled(true);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: client, useResponses: true }) });
// It takes a response that its bound cut off for a failure: here answers end by themselves.
const agent = (wire, more = {}) =>
  new Agent({
    name: 'Helper',
    instructions: 'Be brief.',
    model: `writer-${wire}`,
    ...more,
  });
const ROUNDS = 3;
/** The stand-in calls what it must: a tool is required for so many turns, and none after that. */
const rounds = wire => {
  const heard = [];
  const weather = tool({
    name: 'weather',
    description: 'The weather of a city',
    parameters: z.object({ city: z.string() }),
    execute: ({ city }) => {
      heard.push(city);
      if (heard.length === ROUNDS) helper.modelSettings = { toolChoice: 'none' };
      return 'sunny';
    },
  });
  const helper = agent(wire, {
    tools: [weather],
    resetToolChoice: false,
    modelSettings: { toolChoice: 'required' },
  });
  return { heard, helper };
};

await onEach('a run', async wire => {
  const { finalOutput, lastResponseId } = await runner.run(agent(wire), 'Hello');
  assert.match(finalOutput, /./);
  assert.match(lastResponseId, /^resp_/);
});
await onEach('a run, streamed', async wire => {
  const result = await runner.run(agent(wire), 'Hello', { stream: true });
  const events = await all(result);
  await result.completed;
  assert.ok(events.some(({ type }) => type === 'raw_model_stream_event'));
  assert.match(result.finalOutput, /./);
});
await onEach(`${ROUNDS} rounds of a tool`, async wire => {
  const { heard, helper } = rounds(wire);
  const { finalOutput, rawResponses } = await runner.run(helper, 'Hello', { maxTurns: ROUNDS + 1 });
  assert.equal(heard.length, ROUNDS);
  assert.equal(rawResponses.length, ROUNDS + 1);
  assert.match(finalOutput, /./);
});
await onEach(`${ROUNDS} rounds of a tool, streamed`, async wire => {
  const { heard, helper } = rounds(wire);
  const result = await runner.run(helper, 'Hello', { maxTurns: ROUNDS + 1, stream: true });
  await all(result);
  await result.completed;
  assert.equal(heard.length, ROUNDS);
  assert.match(result.finalOutput, /./);
});
await onEach('a run that goes on from the one before', async wire => {
  const { lastResponseId } = await runner.run(agent(wire), 'Hello');
  const then = await runner.run(agent(wire), 'And?', { previousResponseId: lastResponseId });
  assert.match(then.finalOutput, /./);
});
await onEach('structured output', async wire => {
  const outputType = z.object({ name: z.string(), age: z.number().int() });
  const { finalOutput } = await runner.run(agent(wire, { outputType }), 'Hello');
  assert.equal(typeof finalOutput.name, 'string');
});
await testCase('errors', async () => {
  await assert.rejects(runner.run(agent('x', { model: 'nobody' }), 'Hello'), { status: 404 });
});
