import { afterEach, expect, it, vi } from 'vitest';
import { RunningTime } from './running-time';

const HOUR_MS = 3_600_000;

afterEach(() => void vi.useRealTimers());

it('is not moved by the wall (B-STO-003)', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_700_000_000_000 });
  const time = new RunningTime();
  expect(time.nowMs()).toBe(1_700_000_000_000);
  for (const wallMs of [1_800_000_000_000, 0]) {
    const before = time.nowMs();
    vi.setSystemTime(wallMs);
    vi.advanceTimersByTime(HOUR_MS);
    expect(time.nowMs()).toBe(before + HOUR_MS);
  }
});

it('goes on after the latest time that the process before has left, whatever the wall says (B-STO-003)', () => {
  const time = new RunningTime();
  time.resumeAfter(5000);
  time.resumeAfter(2000);
  time.resumeAfter(NaN);
  expect(time.nowMs()).toBeGreaterThanOrEqual(5000);
  expect(time.nowMs()).toBeLessThan(HOUR_MS);
  time.resumeAfter(2 * HOUR_MS);
  expect(time.nowMs()).toBeGreaterThanOrEqual(2 * HOUR_MS);
});
