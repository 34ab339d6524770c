import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import { deltaEvent, endEvent, errorEvent, tokenEvent } from '../../tasks/events/task-events';
import { Chunks, type ChunkWish } from './chunks';

const facts = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'the "model"' };
const end = endEvent({
  tokens_in: 3,
  tokens_out: 2,
  tokens_cached: 1,
  decode_time_ms: 1,
  decode_ms: 1,
  finish_reason: 'stop',
});

function chunksOf(wish: Partial<ChunkWish> = {}): Chunks {
  return new Chunks(facts, { operation: 'chat', choices: 1, includeUsage: false, ...wish });
}

/** What a client reads: objects, and the sentinel as it is. */
function read(text: string): unknown[] {
  const frames = text.split('\n\n');
  expect(frames.pop()).toBe('');
  return frames.map(frame => {
    expect(frame.startsWith('data: ')).toBe(true);
    const data = frame.slice('data: '.length);
    return data === '[DONE]' ? data : (JSON.parse(data) as unknown);
  });
}

const head = { id: facts.id, object: 'chat.completion.chunk', created: facts.created, model: facts.model };
const choice = (members: object, index = 0) => ({ index, delta: {}, logprobs: null, finish_reason: null, ...members });
const chunk = (...choices: object[]) => ({ ...head, choices });

describe('the chunks of a chat', () => {
  it('are the role, the text, the reason, and the sentinel', () => {
    const chunks = chunksOf();
    expect(read(chunks.opening() + chunks.of(tokenEvent(0, 'a "\n')) + chunks.of(end))).toEqual([
      chunk(choice({ delta: { role: 'assistant', content: '', refusal: null } })),
      chunk(choice({ delta: { content: 'a "\n' } })),
      chunk(choice({ finish_reason: 'stop' })),
      '[DONE]',
    ]);
  });

  it('tell usage before the sentinel where that is wanted, and null in all others', () => {
    const chunks = chunksOf({ includeUsage: true });
    const frames = read(
      chunks.opening() + chunks.of(tokenEvent(0, 'a')) + chunks.keepAlive() + chunks.of(end),
    ) as object[];
    expect(frames.slice(0, 4).every(frame => 'usage' in frame && frame.usage === null)).toBe(true);
    expect(frames.slice(4)).toEqual([
      {
        ...head,
        choices: [],
        usage: {
          ...{ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
          prompt_tokens_details: { cached_tokens: 1 },
        },
      },
      '[DONE]',
    ]);
  });

  it('hold deltas as they came, what is thought under both names, and an end apart from what was said last', () => {
    const chunks = chunksOf({ choices: 2 });
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } };
    const choices = [
      { index: 1, delta: { reasoning_content: 'hm' }, finish_reason: null },
      { index: 0, delta: { tool_calls: [call] }, finish_reason: 'stop' },
    ];
    expect(read(chunks.of(deltaEvent(JSON.stringify(choices))) + chunks.of(end))).toEqual([
      chunk(
        choice({ delta: { reasoning_content: 'hm', reasoning: 'hm' } }, 1),
        choice({ delta: { tool_calls: [call] } }),
      ),
      chunk(choice({ finish_reason: 'tool_calls' })),
      chunk(choice({ finish_reason: 'stop' }, 1)),
      '[DONE]',
    ]);
  });

  it('end with the error where there is one, all four members in it, and no sentinel', () => {
    const error = errorEvent(new ServiceError('WORKER_RESET', { engine: 'vllm' }));
    expect(read(chunksOf().of(error))).toEqual([
      {
        error: {
          message: 'The engine went away while it worked.',
          type: 'server_error',
          param: null,
          code: 'worker_reset',
        },
      },
    ]);
  });
});

describe('the chunks of a completion', () => {
  it('have text in the place of deltas, and no role', () => {
    const chunks = chunksOf({ operation: 'completion' });
    expect(chunks.opening()).toBe('');
    const text = { ...head, object: 'text_completion' };
    expect(read(chunks.of(tokenEvent(0, 'a')) + chunks.of(end))).toEqual([
      { ...text, choices: [{ index: 0, text: 'a', logprobs: null, finish_reason: null }] },
      { ...text, choices: [{ index: 0, text: '', logprobs: null, finish_reason: 'stop' }] },
      '[DONE]',
    ]);
  });
});
