import { afterEach, expect, it, vi } from 'vitest';
import { LineBudget } from './line-budget';

afterEach(() => void vi.useRealTimers());

it('lets through so many at once, then so many a second, and counts the others', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const budget = new LineBudget(3, 2);
  const taken = (of: number): number => Array.from({ length: of }, () => budget.take()).filter(Boolean).length;
  expect([taken(100), budget.withheld]).toEqual([3, 97]);
  vi.advanceTimersByTime(1000);
  expect([taken(100), budget.withheld]).toEqual([2, 195]);
  budget.told();
  vi.advanceTimersByTime(3_600_000);
  expect([taken(5), budget.withheld]).toEqual([3, 2]);
});
