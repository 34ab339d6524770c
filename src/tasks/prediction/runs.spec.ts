import { beforeEach, expect, it } from 'vitest';
import { Runs } from './runs';

let runs: Runs;
beforeEach(() => void (runs = new Runs()));

const small = { promptTokens: 5, askedTokens: 20 };
const end = { tokens: 20, stoppedByItself: false, cachedShare: undefined, decodeMs: undefined };

it('measures prefill and decode of an attempt, and how many ran beside it on its replica', () => {
  const run = runs.begin('p/r', 'p', small, { tokens: 0 }, 1000);
  runs.begin('p/other', 'p', small, { tokens: 0 }, 1000);
  run.firstOutputAtMs = 1100;
  const second = runs.begin('p/r', 'p', small, { tokens: 0 }, 1250);
  runs.end(second, 1500);
  expect(runs.measure(run, end, 2000)).toMatchObject({ prefillMs: 100, decodeMs: 900, beside: 1.25, ...small });
  // Where the engine says how long it decoded, we may have been late; it cannot have been longer than all.
  expect(runs.measure(run, { ...end, decodeMs: 950 }, 2000)?.decodeMs).toBe(950);
  expect(runs.measure(run, { ...end, decodeMs: 1001 }, 2000)?.decodeMs).toBe(900);
});

it('measures nothing of one that has shown nothing, or is over', () => {
  const run = runs.begin('p/r', 'p', small, { tokens: 0 }, 0);
  expect(runs.measure(run, end, 10)).toBeUndefined();
  const shown = runs.begin('p/r', 'p', small, { tokens: 1 }, 0);
  shown.firstOutputAtMs = 5;
  runs.end(shown, 10);
  runs.end(run, 10);
  expect(runs.measure(shown, end, 10)).toBeUndefined();
});

it('knows who runs, with what they have shown so far, until they end', () => {
  const progress = { tokens: 0 };
  const run = runs.begin('p/r', 'p', small, progress, 0);
  progress.tokens = 7;
  expect(runs.on('p/r').map(({ tokens }) => tokens)).toEqual([7]);
  runs.end(run, 1);
  runs.end(run, 2);
  expect([runs.on('p/r').length, runs.on('nowhere').length]).toEqual([0, 0]);
});

it('has them in the order in which they began, whoever ends: an even sample of them is one of all ages', () => {
  const begun = Array.from({ length: 6 }, (_, n) => runs.begin('p/r', 'p', small, { tokens: n }, n));
  for (const run of [begun[0], begun[2]]) if (run) runs.end(run, 6);
  runs.begin('p/r', 'p', small, { tokens: 6 }, 6);
  expect(runs.on('p/r').map(({ startedAtMs }) => startedAtMs)).toEqual([1, 3, 4, 5, 6]);
  expect([...runs.all()].map(({ startedAtMs }) => startedAtMs)).toEqual([1, 3, 4, 5, 6]);
});

it('counts those of other nodes beside an attempt, for as long as they were there', () => {
  runs.countElsewhere(new Map([['p/r', 4]]), 0);
  const run = runs.begin('p/r', 'p', small, { tokens: 0 }, 0);
  run.firstOutputAtMs = 10;
  runs.countElsewhere(new Map([['p/r', 2]]), 500);
  runs.countElsewhere(new Map([['p/other', 8]]), 1000);
  expect(runs.measure(run, end, 2000)?.beside).toBe(1 + (4 + 2) / 4);
  expect(runs.on('p/r').length).toBe(1);
});
