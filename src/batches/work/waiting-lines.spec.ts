import { expect, it } from 'vitest';
import type { FileLine } from '../lines/line-splitter';
import { WaitingLines } from './waiting-lines';

const line = (number: number, bytes = 10): FileLine => ({ number, bytes: Buffer.alloc(bytes) });

it('tries one line of each model at a time, ever more seldom, and not more than five seconds apart (B-BAT-010)', () => {
  const waiting = new WaitingLines();
  for (const number of [1, 2, 3]) waiting.add('m', line(number), 0, 100);
  waiting.add('n', line(4), 0, 100);
  expect([waiting.isDue(99), waiting.takeDue(99)]).toEqual([false, undefined]);
  expect([waiting.takeDue(100)?.number, waiting.takeDue(100)?.number, waiting.takeDue(100)]).toEqual([1, 4, undefined]);
  const tries: number[] = [];
  for (let nowMs = 100; nowMs < 30_000; nowMs += 100) {
    const next = waiting.takeDue(nowMs);
    if (!next) continue;
    tries.push(nowMs);
    waiting.add('m', next, nowMs, 100);
  }
  const gaps = tries.map((atMs, at) => atMs - (tries[at - 1] ?? 100));
  expect(gaps.slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 3200, 5000]);
  expect(Math.max(...gaps)).toBe(5000);
});

it('gives back all lines of a model that is there, in their order, and then all that are left', () => {
  const waiting = new WaitingLines();
  for (const number of [1, 2, 3]) waiting.add(number === 2 ? 'n' : 'm', line(number), 0, 100);
  expect(waiting.release('m').map(({ number }) => number)).toEqual([1, 3]);
  expect([waiting.release('m'), waiting.isEmpty]).toEqual([[], false]);
  expect(waiting.releaseAll().map(({ number }) => number)).toEqual([2]);
  expect([waiting.isEmpty, waiting.isDue(1e9)]).toEqual([true, false]);
});

it('is full by number or by bytes, and has room again once some are gone', () => {
  const many = new WaitingLines();
  for (let number = 0; number < 499; number++) many.add('m', line(number), 0, 100);
  expect(many.isFull).toBe(false);
  many.add('m', line(499), 0, 100);
  expect(many.isFull).toBe(true);
  many.takeDue(100);
  expect(many.isFull).toBe(false);
  const large = new WaitingLines();
  large.add('m', line(1, 256 * 1024), 0, 100);
  expect(large.isFull).toBe(true);
  large.release('m');
  expect(large.isFull).toBe(false);
});
