import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Operation } from '../../src/engines/engine-adapter.port';
import { OpenaiAdapter } from '../../src/engines/openai/openai.adapter';
import { adapterOf, collect, engineRequest, targetAt } from './adapter-under-test';
import { faultsOf } from './openai-schemas';
import { recordingOf, replayServer, type ReplayServer } from './replay-server';

const { adapter, close } = adapterOf(OpenaiAdapter);
const servers: ReplayServer[] = [];

/** The body that the adapter sends for what a client sent. */
async function sent(operation: Operation, body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const server = await replayServer(socket => void socket.end(recordingOf('vllm', 'error-temperature')));
  servers.push(server);
  await collect(adapter.run(targetAt(server.url), engineRequest({ model: 'gpt', work: { operation, body } })));
  return JSON.parse(server.requests[0]?.body ?? '{}') as Record<string, unknown>;
}

afterEach(() => Promise.all(servers.splice(0).map(server => server.close())));
afterAll(close);

const messages = [{ role: 'user', content: 'What is the weather in Paris?' }];
const tool = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};
const called = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } };

describe('what is sent to a server of OpenAI’s API', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a plain one', { messages }],
    ['with bounds and sampling', { messages, max_tokens: 5, temperature: 0.5, top_p: 0.9, seed: 7, stop: ['END'] }],
    ['with the newer bound', { messages, max_completion_tokens: 5, reasoning_effort: 'low' }],
    ['with tools', { messages, tools: [tool], tool_choice: 'required', parallel_tool_calls: false }],
    [
      'with a tool by name',
      { messages, tools: [tool], tool_choice: { type: 'function', function: { name: 'get_weather' } } },
    ],
    [
      'after a call',
      {
        messages: [
          ...messages,
          { role: 'assistant', content: null, tool_calls: [called] },
          { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
        ],
      },
    ],
    [
      'with a schema',
      { messages, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {}, strict: true } } },
    ],
    ['with logprobs and choices', { messages, n: 2, logprobs: true, top_logprobs: 3, logit_bias: { '5': 1 } }],
    [
      'with an image',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is it?' },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
            ],
          },
        ],
      },
    ],
    ['with half a surrogate pair', { messages: [{ role: 'user', content: 'a\ud800b' }] }],
    ['with nulls', { messages, stop: null, n: null, tools: null, temperature: null }],
  ])('is a valid chat, %s', async (_, body) => {
    const request = await sent('chat', body);
    expect(faultsOf('CreateChatCompletionRequest', request)).toEqual([]);
    expect(request).toMatchObject({ model: 'gpt', stream: true, stream_options: { include_usage: true } });
    expect(JSON.stringify(request).isWellFormed()).toBe(true);
  });

  it.each<[string, Record<string, unknown>]>([
    ['of one text', { prompt: 'Once', max_tokens: 5 }],
    ['of texts', { prompt: ['Once', 'Twice'], n: 2 }],
    ['of tokens', { prompt: [1, 2, 3], echo: true, logprobs: 2 }],
    ['of lists of tokens', { prompt: [[1, 2], [3]], suffix: 'end', best_of: 2 }],
  ])('is a valid completion, %s', async (_, body) => {
    expect(faultsOf('CreateCompletionRequest', await sent('completion', body))).toEqual([]);
  });

  it('is a valid completion where its bound goes by the newer name', async () => {
    const request = await sent('completion', { prompt: 'Once', max_completion_tokens: 5 });
    expect(request).toMatchObject({ max_tokens: 5 });
    expect(request).not.toHaveProperty('max_completion_tokens');
  });

  it.each<[string, Record<string, unknown>]>([
    ['of one text', { input: 'hello', encoding_format: 'base64' }],
    ['of texts', { input: ['hello', 'you'], dimensions: 8 }],
    ['of tokens', { input: [[1, 2], [3]], encoding_format: 'float' }],
  ])('is a valid request for embeddings, %s', async (_, body) => {
    const request = await sent('embedding', body);
    expect(faultsOf('CreateEmbeddingRequest', request)).toEqual([]);
    expect(request).not.toHaveProperty('stream');
  });

  it('has what the service does not know as well', async () => {
    expect(await sent('chat', { messages, top_k: 5, vendor: { x: 1 } })).toMatchObject({ top_k: 5, vendor: { x: 1 } });
  });
});
