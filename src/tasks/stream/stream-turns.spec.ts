import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/config';
import { Clock } from '../../time/clock';
import { TurnEnd } from '../../time/turn-end';
import { StreamTurns } from './stream-turns';

const clock = new Clock();
let turns: StreamTurns;
const turnsOf = (batchMs: number): StreamTurns =>
  (turns = new StreamTurns(loadConfig({ ORCHD_SSE_MICROBATCH_MS: String(batchMs) }).config, clock, new TurnEnd()));
afterEach(() => turns.onModuleDestroy());

/** Milliseconds until it is written. */
const waited = (lastWriteMs: number): Promise<number> => {
  const fromMs = clock.nowMs();
  return new Promise(resolve => turns.schedule(() => resolve(clock.nowMs() - fromMs), lastWriteMs));
};

describe('StreamTurns', () => {
  it('writes in the same turn by default', async () => {
    turnsOf(0);
    const seen: string[] = [];
    turns.schedule(() => seen.push('written'), clock.nowMs());
    setImmediate(() => seen.push('next turn'));
    await sleep(5);
    expect(seen).toEqual(['written', 'next turn']);
  });

  it('lets a stream that wrote just now wait, and one that was quiet write at once', async () => {
    turnsOf(200);
    const [busy, quiet] = await Promise.all([waited(clock.nowMs()), waited(clock.nowMs() - 200)]);
    expect(busy).toBeGreaterThanOrEqual(195);
    expect(quiet).toBeLessThan(busy);
  });

  it('writes all that wait in the order in which they came', async () => {
    turnsOf(20);
    const seen: number[] = [];
    for (const at of [0, 1, 2]) turns.schedule(() => seen.push(at), clock.nowMs());
    await waited(clock.nowMs());
    expect(seen).toEqual([0, 1, 2]);
  });
});
