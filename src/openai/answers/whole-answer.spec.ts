import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import { deltaEvent, endEvent, errorEvent, resultEvent, tokenEvent } from '../../tasks/events/task-events';
import type { TaskEvent } from '../../tasks/task/task';
import { toOpenaiRequest } from '../requests/openai-request';
import { inFormat } from './embedding-format';
import { JsonText } from './rendering';
import { SentAnswer } from './sent-answer';
import { WholeAnswer } from './whole-answer';

const facts = { id: 'x-1', created: 1_700_000_000, model: 'asked-for' };
const chat = { model: 'asked-for', messages: [{ role: 'user', content: 'Hello' }] };
const end = endEvent({ tokens_in: 3, tokens_out: 2, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
const delta = (...choices: object[]): TaskEvent => deltaEvent(JSON.stringify(choices));

function answerOf(
  operation: Parameters<typeof toOpenaiRequest>[0],
  body: object,
  events: readonly TaskEvent[],
  Answer = WholeAnswer,
): Record<string, unknown> {
  const answer = new Answer(facts, toOpenaiRequest(operation, body));
  for (const event of [...events, end]) answer.take(event);
  return answer.answer() as Record<string, unknown>;
}

describe('a whole answer', () => {
  it('has the text, the reason and the usage, under the name that was asked for', () => {
    expect(answerOf('chat', chat, [tokenEvent(0, 'Hel'), delta({ index: 0, delta: { content: 'lo' } })])).toEqual({
      id: 'x-1',
      object: 'chat.completion',
      created: facts.created,
      model: 'asked-for',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    });
  });

  it('joins the calls of each choice, what it thought and its logprobs', () => {
    const call = (index: number, members: object) => ({ index: 1, delta: { tool_calls: [{ index, ...members }] } });
    const { choices } = answerOf('chat', { ...chat, n: 2 }, [
      delta({
        index: 0,
        delta: { content: 'A', reasoning_content: 'h' },
        logprobs: { content: [{ token: 'A' }], refusal: null },
      }),
      delta({
        index: 0,
        delta: { reasoning_content: 'm' },
        logprobs: { content: [{ token: 'B' }], refusal: null },
        finish_reason: 'length',
      }),
      delta(call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x"' } })),
      delta(call(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '' } })),
      delta(call(0, { function: { arguments: ':1}' } }), {
        ...call(1, { function: { arguments: '{}' } }),
        finish_reason: 'stop',
      }),
    ]);
    expect(choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: 'A', refusal: null, reasoning_content: 'hm', reasoning: 'hm' },
        logprobs: { content: [{ token: 'A' }, { token: 'B' }], refusal: null },
        finish_reason: 'length',
      },
      {
        index: 1,
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
            { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
          ],
        },
        logprobs: null,
        finish_reason: 'tool_calls',
      },
    ]);
  });

  it('has embeddings in the format that was asked for, whatever the engine sent', () => {
    const vector = [0.5, -2];
    const base64 = Buffer.from(Float32Array.from(vector).buffer).toString('base64');
    const [numbers, text] = [vector, base64].map(embedding =>
      resultEvent(JSON.stringify({ data: [{ index: 0, embedding }] })),
    );
    for (const [format, wanted] of [
      ['base64', base64],
      ['float', vector],
      [null, vector],
    ] as const) {
      for (const event of [numbers, text] as TaskEvent[]) {
        expect(answerOf('embedding', { model: 'm', input: 'x', encoding_format: format }, [event])).toEqual({
          object: 'list',
          data: [{ index: 0, embedding: wanted }],
          model: 'asked-for',
          usage: { prompt_tokens: 3, total_tokens: 3 },
        });
      }
    }
  });

  it('has embeddings as they stand where they need no change, and says the same', () => {
    const text = fc.constantFrom('', 'AAAAPw==', '"embedding":[', ',"object":"list"}');
    const vector = fc.oneof(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 3 }), text);
    const item = fc.record({ embedding: vector, index: fc.nat(), object: text }, { requiredKeys: [] });
    const result = fc.record(
      { object: fc.constantFrom('list', 'set'), data: fc.array(item, { maxLength: 3 }), note: fc.oneof(text, item) },
      { requiredKeys: ['data'] },
    );
    fc.assert(
      fc.property(result, fc.constantFrom('float', 'base64', undefined), (sent, format) => {
        const body = { model: 'm', input: 'x', ...(format !== undefined && { encoding_format: format }) };
        const events = [resultEvent(JSON.stringify(sent))];
        const answer = answerOf('embedding', body, events, SentAnswer) as unknown;
        const shown = answer instanceof JsonText ? (JSON.parse(answer.text) as unknown) : answer;
        const usage = { prompt_tokens: 3, total_tokens: 3 };
        const data = inFormat(format, sent.data);
        // As text, for which -0 is 0.
        const wanted = JSON.stringify({ object: 'list', ...sent, data, model: 'asked-for', usage });
        expect(JSON.parse(JSON.stringify(shown))).toEqual(JSON.parse(wanted));
      }),
    );
  });

  it('has embeddings as they stand where they go out as they came', () => {
    const event = resultEvent('{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-2]}]}');
    const answer = answerOf('embedding', { model: 'm', input: 'x' }, [event], SentAnswer) as unknown;
    expect((answer as JsonText).text).toBe(
      '{"object":"list","data":[{"embedding":[0.5,-2],"index":0,"object":"embedding"}],"model":"asked-for",' +
        '"usage":{"prompt_tokens":3,"total_tokens":3}}',
    );
  });

  it('is the error that the task ended with', () => {
    const error = new ServiceError('POOL_DRAINED', { message: 'It was drained.', retryAfterMs: 70 });
    const answer = new WholeAnswer(facts, toOpenaiRequest('chat', chat));
    expect(() => answer.take(errorEvent(error))).toThrow(
      expect.objectContaining({
        code: 'POOL_DRAINED',
        message: 'It was drained.',
        details: expect.objectContaining({ retryAfterMs: 70 }) as object,
      }),
    );
  });
});
