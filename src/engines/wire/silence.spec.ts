import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { TurnEnd } from '../../time/turn-end';
import { Silence } from './silence';

const LIMIT_MS = 1000;

/** Time that the test lets pass: the process sees it in steps, or, where it stood still, at once. */
let nowMs = 0;
let alarms: Alarms;
let silence: Silence;
let told: number[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  nowMs = 0;
  told = [];
  const clock = Object.assign(new Clock(), { nowMs: () => nowMs });
  alarms = new Alarms(clock);
  silence = new Silence(clock, alarms, new TurnEnd(), limitMs => told.push(limitMs));
  silence.watch(LIMIT_MS);
});
afterEach(() => {
  silence.stop();
  alarms.onModuleDestroy();
  vi.useRealTimers();
});

/** The loop turns; `read` is what the sockets hold then: they are read after the timers. */
async function pass(ms: number, read: () => void = () => undefined): Promise<void> {
  for (const endMs = nowMs + ms; nowMs < endMs;) {
    const stepMs = Math.min(5, endMs - nowMs);
    nowMs += stepMs;
    vi.advanceTimersByTime(stepMs);
    read();
    await turn();
  }
}

/** The process stands still; then the timers that are due ring, and after them the sockets are read. */
async function standStill(ms: number, unread: () => void = () => undefined): Promise<void> {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
  unread();
  await turn();
}

describe('Silence', () => {
  it('is told once, when the limit has passed, and not much later', async () => {
    await pass(LIMIT_MS - 10);
    expect(told).toEqual([]);
    await pass(LIMIT_MS / 4);
    expect(told).toEqual([LIMIT_MS]);
    await pass(10 * LIMIT_MS);
    expect(told).toHaveLength(1);
  });

  it('is broken by any sign of life, however late in the limit', async () => {
    for (let n = 0; n < 20; n++) {
      await pass(LIMIT_MS - 10);
      silence.heard();
    }
    expect(told).toEqual([]);
    await pass(1.2 * LIMIT_MS);
    expect(told).toHaveLength(1);
  });

  it('is not what passed while this process stood still, wherever in the limit that was', async () => {
    for (let at = 0; at < LIMIT_MS; at += 45) {
      silence.watch(LIMIT_MS);
      await pass(at);
      await standStill(3 * LIMIT_MS, () => silence.heard());
      expect(told, `after ${at} ms, with bytes unread`).toEqual([]);
      silence.watch(LIMIT_MS);
      await pass(at * 0.8);
      await standStill(3 * LIMIT_MS);
      expect(told, `after ${at * 0.8} ms, with nothing to read`).toEqual([]);
    }
  });

  it('goes on after a standstill where it was: an engine that says nothing then is stuck', async () => {
    await pass(LIMIT_MS / 2);
    await standStill(60 * LIMIT_MS);
    await pass(0.7 * LIMIT_MS);
    expect(told).toHaveLength(1);
  });

  it('is not watched for any more once that was called off, a look that is due included', async () => {
    await pass(LIMIT_MS - 1);
    nowMs += LIMIT_MS;
    vi.advanceTimersByTime(LIMIT_MS);
    silence.stop();
    await turn();
    await pass(LIMIT_MS);
    expect(told).toEqual([]);
  });
});
