import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalJson, endEvent, tokenEvent } from '../events/task-events';
import type { TaskEvent } from '../task/task';
import { eventsOf, transcriptOf } from './transcript';

const end = endEvent({ tokens_out: 2, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
const parse = (text: string): object => JSON.parse(text) as object;

describe('transcriptOf', () => {
  it.each([
    ['a short stream', [tokenEvent(0, 'a'), tokenEvent(1, '"\n\u{1F600}'), end]],
    ['one of many pieces', [...Array.from({ length: 400 }, (_, at) => tokenEvent(at, 'é'.repeat(2000))), end]],
    ['one that a crash has cut', [tokenEvent(0, 'a'), { ...end, seq: 1_000_000_001 }]],
    ['one that never began', []],
  ])('is the canonical JSON of %s with its hash', async (_, events: TaskEvent[]) => {
    const { id, json } = await transcriptOf(events);
    expect(json).toBe(canonicalJson(parse(json)));
    expect(id).toBe(createHash('sha256').update(json).digest('hex'));
    expect(eventsOf(json, value => canonicalJson(value as object))).toEqual(events);
  });

  it('lets others run while it puts a long one together', async () => {
    const events = Array.from({ length: 2000 }, (_, at) => tokenEvent(at, 'x'.repeat(1000)));
    let turns = 0;
    const count = (): void => void (ticking = setImmediate(() => (turns++, count())));
    let ticking: NodeJS.Immediate | undefined;
    count();
    await transcriptOf(events);
    clearImmediate(ticking);
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
