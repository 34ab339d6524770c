import { describe, expect, it } from 'vitest';
import { deltaEvent, endEvent, tokenEvent } from '../tasks/events/task-events';
import { OllamaStream, OllamaSum } from './answers/ollama-stream';
import { toChat, toEmbedding, toGeneration } from './requests/ollama-request';

const fieldOf = (read: (body: unknown) => unknown, body: object): unknown => {
  try {
    read({ model: 'm', ...body });
  } catch (thrown) {
    return (thrown as { details: { field?: string } }).details.field;
  }
  return undefined;
};

describe("a request of Ollama's API", () => {
  it('is a chat: calls get ids, answers of tools go to them, pictures are parts, options have their names', () => {
    const messages = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'U', images: ['/9j/AA', 'iVBOR'] },
      {
        role: 'assistant',
        content: '',
        thinking: 'hm',
        tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }, { function: { name: 'g' } }],
      },
      { role: 'tool', tool_name: 'g', content: 'r' },
      { role: 'tool', content: 's' },
    ];
    const options = { num_predict: 9, num_ctx: 100, temperature: 0.5, stop: ['x'] };
    const call = (id: string, name: string, args: string) => ({
      id,
      type: 'function',
      function: { name, arguments: args },
    });
    expect(toChat({ model: 'm', messages, options, format: 'json', think: false, keep_alive: '5m' })).toMatchObject({
      model: 'm',
      stream: true,
      work: {
        operation: 'chat',
        maxTokens: 9,
        body: {
          messages: [
            { role: 'system', content: 'S' },
            {
              role: 'user',
              content: [
                { type: 'text', text: 'U' },
                { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,/9j/AA' } },
                { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBOR' } },
              ],
            },
            {
              role: 'assistant',
              content: null,
              reasoning_content: 'hm',
              tool_calls: [call('call_0', 'f', '{"a":1}'), call('call_1', 'g', '{}')],
            },
            { role: 'tool', tool_call_id: 'call_1', content: 'r' },
            { role: 'tool', tool_call_id: 'call_0', content: 's' },
          ],
          ...{ max_tokens: 9, temperature: 0.5, stop: ['x'], reasoning_effort: 'none' },
          response_format: { type: 'json_object' },
        },
      },
    });
  });

  it('without anything to say asks for a model to be loaded', () => {
    expect([toChat({ model: 'm' }).work, toGeneration({ model: 'm', prompt: '' }).work]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('is a completion where it is raw, or has an end', () => {
    expect(toGeneration({ model: 'm', prompt: 'p', raw: true, stream: false })).toMatchObject({
      stream: false,
      work: { operation: 'completion', body: { prompt: 'p' } },
    });
    expect(toGeneration({ model: 'm', prompt: 'p', suffix: 's' }).work?.body).toMatchObject({
      prompt: 'p',
      suffix: 's',
    });
  });

  it.each([
    [toChat, { messages: [{ role: 'judge' }] }, 'messages.0.role'],
    [toChat, { messages: 'x' }, 'messages'],
    [toChat, { messages: [{ role: 'user', content: 'x' }], options: { num_predict: 0 } }, 'options.num_predict'],
    [toChat, { messages: [{ role: 'user', content: 'x' }], format: 'yaml' }, 'format'],
    [toGeneration, { prompt: 'x', context: [1] }, 'context'],
    [toGeneration, { prompt: 'x', images: ['a', 1] }, 'images.1'],
    [(body: unknown) => toEmbedding(body, 'input'), { input: [] }, 'input'],
  ])('is refused by name: %o %j', (read, body, field) => {
    expect(fieldOf(read, body)).toBe(field);
  });
});

describe("an answer of Ollama's API", () => {
  const facts = { model: 'm', createdAt: '2026-01-01T00:00:00.000Z', form: 'message' } as const;
  const events = [
    deltaEvent('[{"index":0,"delta":{"reasoning_content":"hm"}}]'),
    tokenEvent(0, 'a'),
    deltaEvent(
      '[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a\\""}}]}}]',
    ),
    deltaEvent('[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]'),
    endEvent({
      tokens_in: 3,
      tokens_out: 4,
      prompt_time_ms: 2,
      decode_time_ms: 5,
      decode_ms: 5,
      finish_reason: 'tool_calls',
    }),
  ];
  const head = { model: 'm', created_at: facts.createdAt };
  const calls = [{ function: { name: 'f', arguments: { a: 1 } } }];
  const end = {
    ...{ done: true, done_reason: 'stop', total_duration: 7e6, load_duration: 0 },
    ...{ prompt_eval_count: 3, prompt_eval_duration: 2e6, eval_count: 4, eval_duration: 5e6 },
  };

  it('is lines of JSON, calls whole and before the last', () => {
    const stream = new OllamaStream(facts);
    const lines = events
      .map(event => stream.of(event))
      .join('')
      .trimEnd()
      .split('\n');
    expect(lines.map(line => JSON.parse(line) as unknown)).toEqual([
      { ...head, message: { role: 'assistant', content: '', thinking: 'hm' }, done: false },
      { ...head, message: { role: 'assistant', content: 'a' }, done: false },
      { ...head, message: { role: 'assistant', content: '', tool_calls: calls }, done: false },
      { ...head, message: { role: 'assistant', content: '' }, ...end },
    ]);
  });

  it('is one object where it is not streamed', () => {
    const sum = new OllamaSum(facts);
    for (const event of events) sum.take(event);
    const message = { role: 'assistant', content: 'a', thinking: 'hm', tool_calls: calls };
    expect(sum.answer()).toEqual({ ...head, message, ...end });
  });
});
