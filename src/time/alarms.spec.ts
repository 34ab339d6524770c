import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Alarms } from './alarms';
import { Clock } from './clock';

const DAY_MS = 86_400_000;

describe('Alarms', () => {
  let alarms: Alarms;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    // The fake clock stands for the monotonic one.
    alarms = new Alarms(Object.assign(new Clock(), { nowMs: () => Date.now() }));
  });
  afterEach(() => {
    alarms.onModuleDestroy();
    vi.useRealTimers();
  });

  it('rings in the order of time, whatever the order of setting', () => {
    const rung: number[] = [];
    const delays = [500, 100, 300, 100, 400, 0, 200];
    for (const delay of delays) alarms.after(delay, () => rung.push(delay));
    vi.advanceTimersByTime(500);
    expect(rung).toEqual([...delays].sort((a, b) => a - b));
  });

  it('waits out a span longer than a timer of the platform can hold', () => {
    const ring = vi.fn();
    alarms.after(60 * DAY_MS, ring);
    vi.advanceTimersByTime(59 * DAY_MS);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(DAY_MS);
    expect(ring).toHaveBeenCalledOnce();
  });

  it('does not ring once it was called off, nor does calling it off again harm another', () => {
    const [kept, called] = [vi.fn(), vi.fn()];
    const alarm = alarms.after(100, called);
    alarms.after(100, kept);
    alarm.cancel();
    alarm.cancel();
    vi.advanceTimersByTime(200);
    expect(called).not.toHaveBeenCalled();
    expect(kept).toHaveBeenCalledOnce();
    alarm.cancel();
  });

  it('holds no more than the live ones when many are set and called off', () => {
    const kept = vi.fn();
    alarms.after(50_000, kept);
    for (let n = 0; n < 100_000; n++) alarms.after(60_000 + n, () => undefined).cancel();
    expect((alarms as unknown as { heap: unknown[] }).heap.length).toBeLessThan(5000);
    vi.advanceTimersByTime(50_000);
    expect(kept).toHaveBeenCalledOnce();
  });

  it('rings the others when one throws', () => {
    const other = vi.fn();
    alarms.after(10, () => {
      throw new Error('mine');
    });
    alarms.after(20, other);
    expect(() => vi.advanceTimersByTime(10)).toThrow('mine');
    vi.advanceTimersByTime(10);
    expect(other).toHaveBeenCalledOnce();
  });

  it('lets a ring set the next alarm', () => {
    const rung: string[] = [];
    alarms.after(10, () => alarms.after(10, () => rung.push('second')));
    vi.advanceTimersByTime(20);
    expect(rung).toEqual(['second']);
  });
});
