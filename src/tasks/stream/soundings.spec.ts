import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { soundOut } from './soundings';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function times(goesOn: boolean, ms: number): readonly number[] {
  const startMs = Date.now();
  const seen: number[] = [];
  const end = soundOut(() => seen.push(Date.now() - startMs), goesOn);
  vi.advanceTimersByTime(ms);
  end();
  vi.advanceTimersByTime(10_000);
  return seen;
}

describe('a client that may have left', () => {
  it('is sounded at once, and again after twice as long each time', () => {
    expect(times(false, 5000)).toEqual([0, 2, 6, 14, 30, 62, 126, 254, 510]);
  });

  it('is sounded on where nothing else is written to it, until that is ended', () => {
    expect(times(true, 1100).slice(-3)).toEqual([510, 766, 1022]);
  });
});
