import { describe, expect, it } from 'vitest';
import { toChat, toResponseRequest } from './response-request';

const base = { model: 'm', input: 'Hello' };
const chatOf = (more: object, history: readonly Record<string, unknown>[] = []) =>
  toChat(toResponseRequest({ ...base, ...more }), history);
const fieldOf = (more: object): unknown => {
  try {
    chatOf(more);
  } catch (thrown) {
    return (thrown as { details: { field?: string } }).details.field;
  }
  return undefined;
};

describe('a request for a response', () => {
  it('is a chat, and what only an engine knows goes with it', () => {
    expect(
      chatOf({ instructions: 'Be brief.', max_output_tokens: 9, temperature: 0.5, min_p: 0.1, store: false }),
    ).toEqual({
      operation: 'chat',
      model: 'm',
      body: {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hello' },
        ],
        max_tokens: 9,
        temperature: 0.5,
        min_p: 0.1,
      },
      stream: false,
      includeUsage: false,
      choices: 1,
      maxTokens: 9,
    });
  });

  it('has what was said before, with calls and thoughts where they belong', () => {
    const input = [
      { role: 'developer', content: 'D' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'U' },
          { type: 'input_image', image_url: 'data:x', detail: 'low' },
        ],
      },
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'function_call', call_id: 'c2', name: 'g', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'r1' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'r2' }] },
      { role: 'assistant', content: [{ type: 'output_text', text: 'A' }] },
    ];
    const call = (id: string, name: string) => ({ id, type: 'function', function: { name, arguments: '{}' } });
    expect(chatOf({ input }, [{ type: 'message', role: 'user', content: 'before' }]).body['messages']).toEqual([
      { role: 'user', content: 'before' },
      { role: 'system', content: 'D' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'U' },
          { type: 'image_url', image_url: { url: 'data:x', detail: 'low' } },
        ],
      },
      { role: 'assistant', content: null, reasoning_content: 'hm', tool_calls: [call('c1', 'f'), call('c2', 'g')] },
      { role: 'tool', tool_call_id: 'c1', content: 'r1' },
      { role: 'tool', tool_call_id: 'c2', content: 'r2' },
      { role: 'assistant', content: 'A' },
    ]);
  });

  it('asks for schemas, effort, logprobs and tools', () => {
    const schema = { type: 'object' };
    expect(
      chatOf({
        text: { format: { type: 'json_schema', name: 'n', schema, strict: true }, verbosity: 'low' },
        reasoning: { effort: 'low', summary: 'auto' },
        top_logprobs: 2,
        tools: [{ type: 'function', name: 'f', parameters: schema, strict: false }],
        tool_choice: { type: 'function', name: 'f' },
      }).body,
    ).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema, strict: true } },
      ...{ verbosity: 'low', reasoning_effort: 'low', logprobs: true, top_logprobs: 2 },
      tools: [{ type: 'function', function: { name: 'f', parameters: schema } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
    });
  });

  it('asks for the functions of a namespace by both names, and tells a chat of calls by them (B-RSP-010)', () => {
    const f = { type: 'function', name: 'f' };
    const chat = chatOf({
      tools: [{ type: 'namespace', name: 'agents', description: 'Others', tools: [f] }, f],
      tool_choice: { type: 'function', name: 'f', namespace: 'agents' },
      input: [{ type: 'function_call', call_id: 'c', name: 'f', namespace: 'agents', arguments: '{}' }],
    });
    expect(chat.body).toMatchObject({
      tools: [{ function: { name: 'agents__f' } }, { function: { name: 'f' } }],
      tool_choice: { type: 'function', function: { name: 'agents__f' } },
      messages: [{ tool_calls: [{ id: 'c', function: { name: 'agents__f' } }] }],
    });
  });

  it.each([
    [{ model: undefined }, 'model'],
    [{ input: '' }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [{}] }, 'input.0.type'],
    [{ input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] }, 'input.0.content.0.type'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] }, 'input.0.content.0.image_url'],
    [{ tools: {} }, 'tools'],
    [{ tools: [{ type: 'code_interpreter' }] }, 'tools.0.type'],
    [{ tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'custom' }] }] }, 'tools.0.tools.0.type'],
    [{ tools: [{ type: 'namespace', name: 'n' }] }, 'tools.0.tools'],
    [{ tools: [{ type: 'namespace', tools: [] }] }, 'tools.0.name'],
    [{ tool_choice: { type: 'mcp' } }, 'tool_choice.type'],
    [{ text: { format: { type: 'grammar' } } }, 'text.format.type'],
    [{ max_output_tokens: 0 }, 'max_output_tokens'],
    [{ metadata: { a: 1 } }, 'metadata.a'],
    [{ instructions: 5 }, 'instructions'],
    [{ conversation: 'conv_1', store: false }, 'store'],
    [{ conversation: { id: 'conv_1' }, previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: {} }, 'conversation.id'],
    [{ conversation: 7 }, 'conversation'],
  ])('is refused by name: %j', (more, field) => {
    expect(fieldOf(more)).toBe(field);
  });
});
