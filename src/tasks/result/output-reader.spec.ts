import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import { endedFeed, type EventFeed } from '../stream/event-feed';
import type { StreamLookup } from '../stream/stream-lookup';
import { deltaEvent, endEvent, errorEvent, metricsEvent, resultEvent, tokenEvent } from '../events/task-events';
import type { TaskEvent } from '../task/task';
import { OUTPUT_MAX_BYTES, OutputReader } from './output-reader';

const end = endEvent({ tokens_out: 2, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
const metrics = metricsEvent(
  {
    ...{ queue_depth: 0, on_time_probability: 1, kv_warmth: 0, tokens_out: 1 },
    ...{ tokens_budget_remaining: 1, time_budget_remaining_ms: 1, cost_budget_remaining: 1 },
  },
  'human',
  [],
);

function readerOf(find: () => { feed: EventFeed }): OutputReader {
  return new OutputReader({ find: async () => find() } as unknown as StreamLookup);
}
const outputOf = (events: readonly TaskEvent[]) =>
  readerOf(() => ({ feed: endedFeed(events) })).read({ taskId: 't', operation: 'chat' });

describe('The output of a task', () => {
  it('is the text of its tokens, whatever stands between them', async () => {
    const events = [tokenEvent(0, 'Grüße,\n'), metrics, tokenEvent(1, '\u{1F600} "x" \\n'), tokenEvent(2, ''), end];
    expect(await outputOf(events)).toEqual({ text: 'Grüße,\n\u{1F600} "x" \\n', truncated: false, lastSeq: 5 });
  });

  it('has what the first choice says in deltas, and a result as it is', async () => {
    const choices = [
      { index: 1, delta: { content: 'no' } },
      { index: 0, delta: { content: 'yes', reasoning_content: 'hm' } },
      { index: 0, text: '!' },
    ];
    const events = [tokenEvent(0, 'Well, '), deltaEvent(JSON.stringify(choices)), resultEvent('{"data":[1]}'), end];
    expect(await outputOf(events)).toMatchObject({
      text: 'Well, yes!',
      truncated: false,
      lastSeq: 4,
      result: { data: [1] },
    });
  });

  it('has the choices put together where there is more to them than text, and why each ended once it has', async () => {
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'look', arguments: '{"a"' } };
    const events = [
      tokenEvent(0, 'Well. '),
      deltaEvent(JSON.stringify([{ index: 0, delta: { reasoning_content: 'hm', tool_calls: [call] } }])),
      deltaEvent(
        JSON.stringify([
          { index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] } },
          { index: 1, delta: { content: 'no' }, finish_reason: 'length' },
        ]),
      ),
    ];
    const message = {
      ...{ role: 'assistant', content: 'Well. ', refusal: null, reasoning_content: 'hm', reasoning: 'hm' },
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":1}' } }],
    };
    const other = { role: 'assistant', content: 'no', refusal: null };
    const choices = (finish: string | null) => [
      { index: 0, message, logprobs: null, finish_reason: finish },
      { index: 1, message: other, logprobs: null, finish_reason: 'length' },
    ];
    expect((await outputOf(events))?.choices).toEqual(choices(null));
    expect((await outputOf([...events, end]))?.choices).toEqual(choices('stop'));
  });

  it('counts what its choices are made of against the bound', async () => {
    const delta = deltaEvent(
      JSON.stringify([{ index: 0, delta: { content: '' }, logprobs: { content: ['x'.repeat(1024)] } }]),
    );
    const output = await outputOf([...Array.from({ length: 2000 }, () => delta), end]);
    expect(output).toMatchObject({ truncated: true, lastSeq: Math.floor(OUTPUT_MAX_BYTES / delta.data.length) });
  });

  it('is empty before there is any', async () => {
    expect(await outputOf([])).toEqual({ text: '', truncated: false, lastSeq: 0 });
    expect(await outputOf([errorEvent(new ServiceError('CANCELLED'))])).toMatchObject({ text: '', lastSeq: 1 });
  });

  it('has no more than fits, in whole tokens, and says where the rest begins', async () => {
    const piece = 'ä'.repeat(1000);
    const tokens = Array.from({ length: 600 }, (_, n) => tokenEvent(n, piece));
    const output = await outputOf([...tokens, end]);
    expect(output).toMatchObject({ truncated: true, lastSeq: Math.floor(OUTPUT_MAX_BYTES / 2000) });
    expect(output?.text).toBe(piece.repeat(output?.lastSeq ?? 0));
    const exact = Array.from({ length: OUTPUT_MAX_BYTES / 1024 }, (_, n) => tokenEvent(n, 'x'.repeat(1024)));
    expect(await outputOf([...exact, end])).toMatchObject({ truncated: false, lastSeq: 1025 });
  });

  it('is not there where the events are kept no more', async () => {
    const refuse = (code: 'TRANSCRIPT_GONE' | 'TASK_NOT_FOUND') => () => {
      throw new ServiceError(code);
    };
    expect(await readerOf(refuse('TRANSCRIPT_GONE')).read({ taskId: 't', operation: 'chat' })).toBeUndefined();
    await expect(readerOf(refuse('TASK_NOT_FOUND')).read({ taskId: 't', operation: 'chat' })).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
    });
  });
});
