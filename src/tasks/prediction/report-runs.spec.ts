import { expect, it } from 'vitest';
import { Runs } from './runs';
import { rowsOfRuns, runsIn, runsToReport, type ReportedReplica } from './report-runs';

const size = { promptTokens: 5.25, askedTokens: 100 };

const passed = (runs: readonly ReportedReplica[]): unknown => runsIn(JSON.parse(JSON.stringify(rowsOfRuns(runs))));

it('tells of each attempt how long it has run, by when it showed its first, and how far it is', () => {
  const runs = new Runs();
  runs.begin('p/r', 'p', size, { tokens: 30 }, 1000.4).firstOutputAtMs = 1200;
  runs.begin('p/r', 'p', size, { tokens: 0 }, 1500);
  runs.begin('p/other', 'p', size, { tokens: 0 }, 1600);
  const told = runsToReport(runs, 1700);
  expect(told).toEqual([
    {
      replica: 'p/r',
      attempts: 2,
      sample: [
        [700, 500, 30, 5, 100],
        [200, -1, 0, 5, 100],
      ],
    },
    { replica: 'p/other', attempts: 1, sample: [[100, -1, 0, 5, 100]] },
  ]);
  expect(passed(told)).toEqual(told);
});

it('tells of 128 attempts at most, evenly over replicas, with how many there are', () => {
  const runs = new Runs();
  const names = ['a', 'b'].map(pool => `${pool.repeat(128)}/${'r'.repeat(128)}`);
  for (const name of names)
    for (let n = 0; n < 2000; n++)
      runs.begin(name, name.slice(0, 128), { promptTokens: 1e6, askedTokens: 1e6 }, { tokens: 999_999 }, 0);
  const told = runsToReport(runs, 1e8);
  expect(told.map(({ attempts, sample }) => [attempts, sample.length])).toEqual([
    [2000, 64],
    [2000, 64],
  ]);
  expect(JSON.stringify(rowsOfRuns(told)).length).toBeLessThan(8000);
  const many = Array.from({ length: 128 }, (_, n) => ({ ...told[0], replica: `${n}`.padEnd(257, 'r') }));
  const longest = many.map(({ replica }) => ({ replica, attempts: 4096, sample: told[0]?.sample.slice(0, 1) ?? [] }));
  expect(JSON.stringify(rowsOfRuns(longest)).length).toBeLessThan(48_000);
});

it('reads what it can, and leaves out the rest', () => {
  const good = [1, -1, 0, 5, 100];
  const bad = [
    null,
    'p/r',
    ['p/r'],
    [7, 1, [good]],
    ['p/r', -1, [good]],
    ['p/r', 4097, [good]],
    ['p/r', '1', [good]],
    ['p/r', 1, 'x'],
    ['p/r', 1, [null, [1, 2], [1, -2, 0, 5, 100], [-1, -1, 0, 5, 100], [1, -1, 0, 5, null], [...good, 1]]],
    ['p/r', 1, [[1, -1, Infinity, 5, 100]]],
    ['x'.repeat(258), 1, [good]],
  ];
  expect(runsIn([...bad, ['p/r', 1, [good]]])).toEqual([{ replica: 'p/r', attempts: 1, sample: [good] }]);
  for (const rows of [undefined, null, {}, 7, 'x']) expect(runsIn(rows)).toEqual([]);
  const read = runsIn(Array.from({ length: 300 }, () => ['p/r', 100, [good, good]]));
  expect(read.reduce((sum, { sample }) => sum + sample.length, 0)).toBe(128);
});
