import { describe, expect, it } from 'vitest';
import { toCountedRequest, toMessageRequest } from './message-request';

const base = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] };
const chatOf = (more: object) => toMessageRequest({ ...base, ...more }).chat;
const fieldOf = (more: object): unknown => {
  try {
    toMessageRequest({ ...base, ...more });
  } catch (thrown) {
    return (thrown as { details: { field?: string } }).details.field;
  }
  return undefined;
};
const content = (...blocks: object[]) => ({ messages: [{ role: 'user', content: blocks }] });
const png = { type: 'base64', media_type: 'image/png', data: 'AAAA' };

describe("a request of Anthropic's API (B-ANT-003)", () => {
  it('is a chat, and what only an engine knows goes with it', () => {
    expect(
      chatOf({ temperature: 0.5, top_k: 3, stop_sequences: ['x'], metadata: { user_id: 'u' }, min_p: 0.1 }),
    ).toEqual({
      operation: 'chat',
      model: 'm',
      body: { messages: base.messages, max_tokens: 9, stop: ['x'], user: 'u', temperature: 0.5, top_k: 3, min_p: 0.1 },
      stream: false,
      includeUsage: false,
      choices: 1,
      maxTokens: 9,
    });
  });

  it('has pictures and documents as parts', () => {
    const blocks = [
      { type: 'text', text: 'See', cache_control: { type: 'ephemeral' } },
      { type: 'image', source: png },
      { type: 'image', source: { type: 'url', url: 'https://x/y.png' } },
      { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'D' } },
    ];
    expect(chatOf(content(...blocks)).body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'image_url', image_url: { url: 'https://x/y.png' } },
          { type: 'text', text: 'T' },
          { type: 'text', text: 'D' },
        ],
      },
    ]);
  });

  it('has thoughts and calls in what the assistant said, and the answers of tools before what the user says', () => {
    const messages = [
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: '…' },
          { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'go on' },
          {
            type: 'tool_result',
            tool_use_id: 't1',
            content: [
              { type: 'text', text: 'r' },
              { type: 'image', source: png },
            ],
          },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't2' }] },
    ];
    expect(chatOf({ system: [{ type: 'text', text: 'S' }], messages }).body['messages']).toEqual([
      { role: 'system', content: 'S' },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'hm',
        tool_calls: [{ id: 't1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 't1', content: 'r' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'go on' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
      { role: 'tool', tool_call_id: 't2', content: '' },
    ]);
  });

  it('offers tools, and says which is to be called', () => {
    const tools = [{ name: 'f', description: 'd', input_schema: { type: 'object' }, cache_control: {} }];
    const { body } = chatOf({ tools, tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true } });
    expect(body).toMatchObject({
      tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
    });
    expect(chatOf({ tools, tool_choice: { type: 'any' } }).body['tool_choice']).toBe('required');
  });

  it('asks for a schema, for effort, and for no thoughts', () => {
    const format = { type: 'json_schema', schema: { type: 'object' } };
    for (const more of [{ output_config: { format } }, { output_format: format }])
      expect(chatOf(more).body).toMatchObject({ response_format: { json_schema: { schema: format.schema } } });
    expect(chatOf({ output_config: { effort: 'low' } }).body['reasoning_effort']).toBe('low');
    const silent = toMessageRequest({ ...base, thinking: { type: 'disabled' } });
    expect([silent.showsThinking, silent.chat.body['reasoning_effort']]).toEqual([false, 'none']);
    expect(toMessageRequest({ ...base, thinking: { type: 'enabled', budget_tokens: 1024 } }).showsThinking).toBe(true);
  });

  it('takes what asks for nothing', () => {
    const edits = [{ type: 'clear_thinking_20251015', keep: 'all' }];
    const more = { mcp_servers: [], stop_sequences: [], system: null, context_management: { edits } };
    expect(chatOf(more).body).toEqual({ messages: base.messages, max_tokens: 9 });
  });

  it('needs no bound where tokens are only counted', () => {
    const { max_tokens: _, ...counted } = base;
    expect(toCountedRequest(counted).body).toEqual({ messages: base.messages });
  });

  it.each([
    [{ max_tokens: undefined }, 'max_tokens'],
    [{ model: 5 }, 'model'],
    [{ messages: 'Hello' }, 'messages'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.role'],
    [{ messages: [{ role: 'user' }] }, 'messages.0.content'],
    [content({ type: 'text' }), 'messages.0.content.0.text'],
    [content({ type: 'image', source: { type: 'file', file_id: 'f' } }), 'messages.0.content.0.source.type'],
    [content({ type: 'document', source: png }), 'messages.0.content.0.source.type'],
    [{ system: [{ type: 'image' }] }, 'system.0.type'],
    [{ tools: [{ name: 'f' }] }, 'tools.0.input_schema'],
    [{ tool_choice: { type: 'some' } }, 'tool_choice.type'],
    [{ stop_sequences: [1] }, 'stop_sequences.0'],
    [{ context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }, 'context_management.edits.0'],
    [{ output_config: { format: { type: 'yaml' } } }, 'output_config.format.type'],
  ])('is refused by name: %j', (more, field) => {
    expect(fieldOf(more)).toBe(field);
  });
});
