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

it('tries the next line of a model at once where one need not wait, and then again by and by (B-BAT-010)', () => {
  const waiting = new WaitingLines();
  for (const number of [1, 2, 3, 4]) waiting.add('m', line(number), 0, 100);
  waiting.add('n', line(5), 0, 100);
  const take = (nowMs: number): number | undefined => waiting.takeDue(nowMs)?.number;
  expect([take(100), take(100), take(200), take(399)]).toEqual([1, 5, 2, undefined]);
  waiting.tryNext('m', 399);
  expect([take(399), take(498), take(499)]).toEqual([3, undefined, 4]);
  // Of a model that has none any more nothing is left, nor of one that had none.
  for (const model of ['m', 'o']) waiting.tryNext(model, 500);
  expect([waiting.isEmpty, waiting.isDue(1e9)]).toEqual([true, false]);
});

it('gives back all that are left', () => {
  const waiting = new WaitingLines();
  for (const number of [1, 2, 3]) waiting.add(number === 2 ? 'n' : 'm', line(number), 0, 100);
  expect(waiting.releaseAll().map(({ number }) => number)).toEqual([1, 3, 2]);
  expect([waiting.releaseAll(), waiting.isEmpty, waiting.isDue(1e9)]).toEqual([[], true, false]);
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
  large.releaseAll();
  expect(large.isFull).toBe(false);
});
