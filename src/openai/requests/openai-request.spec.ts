import { describe, expect, it } from 'vitest';
import { toOpenaiRequest } from './openai-request';

const messages = [{ role: 'user', content: 'Hello' }];
const fieldOf = (operation: Parameters<typeof toOpenaiRequest>[0], body: unknown): unknown => {
  try {
    toOpenaiRequest(operation, body);
  } catch (thrown) {
    return (thrown as { details: { field?: string } }).details.field;
  }
  return undefined;
};

describe("a request of OpenAI's API", () => {
  it('keeps for the engine whatever is not for the service', () => {
    const sent = {
      ...{ model: 'm', messages, stream: true, stream_options: { include_usage: true } },
      ...{ n: 2, max_tokens: 5, max_completion_tokens: 7, nobody_knows: { x: [1] } },
    };
    expect(toOpenaiRequest('chat', sent)).toEqual({
      operation: 'chat',
      model: 'm',
      body: { messages, n: 2, max_tokens: 5, max_completion_tokens: 7, nobody_knows: { x: [1] } },
      stream: true,
      includeUsage: true,
      choices: 2,
      maxTokens: 7,
    });
  });

  it('takes null for nothing', () => {
    const nothing = { stream: null, stream_options: null, n: null, max_tokens: null, max_completion_tokens: null };
    expect(toOpenaiRequest('chat', { model: 'm', messages, ...nothing })).toMatchObject({
      ...{ stream: false, includeUsage: false, choices: 1, maxTokens: undefined },
    });
  });

  it('has a choice for each prompt', () => {
    const choicesOf = (prompt: unknown, n = 1) => toOpenaiRequest('completion', { model: 'm', prompt, n }).choices;
    expect([choicesOf('a'), choicesOf(['a', 'b'], 3), choicesOf([1, 2, 3]), choicesOf([[1], [2]])]).toEqual([
      1, 6, 1, 2,
    ]);
  });

  it.each([
    ['chat', undefined, 'body'],
    ['chat', [], 'body'],
    ['chat', { messages }, 'model'],
    ['chat', { model: '', messages }, 'model'],
    ['chat', { model: 'm' }, 'messages'],
    ['chat', { model: 'm', messages: [] }, 'messages'],
    ['chat', { model: 'm', messages: [...messages, null] }, 'messages.1.role'],
    ['chat', { model: 'm', messages: [{ role: 'user', content: 5 }] }, 'messages.0.content'],
    ['chat', { model: 'm', messages, stream: 'yes' }, 'stream'],
    ['chat', { model: 'm', messages, stream: true, stream_options: [] }, 'stream_options'],
    ['chat', { model: 'm', messages, n: 0 }, 'n'],
    ['chat', { model: 'm', messages, max_tokens: 1.5 }, 'max_tokens'],
    ['chat', { model: 'm', messages, max_completion_tokens: 0 }, 'max_completion_tokens'],
    ['completion', { model: 'm' }, 'prompt'],
    ['completion', { model: 'm', prompt: Array(200).fill('x') }, 'prompt'],
    ['completion', { model: 'm', prompt: [{ prompt_string: 'x' }] }, 'prompt.0'],
    ['completion', { model: 'm', prompt: ['x', 7] }, 'prompt.1'],
    ['completion', { model: 'm', prompt: [7, -1] }, 'prompt.1'],
    ['completion', { model: 'm', prompt: [[7], []] }, 'prompt.1'],
    ['embedding', { model: 'm', input: [] }, 'input'],
    ['embedding', { model: 'm', input: 'x', encoding_format: 'hex' }, 'encoding_format'],
    ['embedding', { model: 'm', input: 'x', stream: true }, 'stream'],
    ['rerank', { model: 'm', documents: ['x'] }, 'query'],
    ['rerank', { model: 'm', query: 'x', documents: [] }, 'documents'],
  ] as const)('is refused by name: %s %j', (operation, body, field) => {
    expect(fieldOf(operation, body)).toBe(field);
  });
});
