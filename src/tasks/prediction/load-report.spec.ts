import { expect, it } from 'vitest';
import { LESSONS_MAX } from './paces';
import { REPORT_MAX_CHARS } from './load-reports.port';
import { textOf, reportIn, type LoadReport } from './load-report';

const measure = {
  ...{ promptTokens: 250.5, cachedShare: 0.25, askedTokens: 1000, prefillMs: 80.125, decodeMs: 9000.5 },
  ...{ tokens: 600, stoppedByItself: true, beside: 2.5 },
};
const { cachedShare: _, ...uncached } = measure;
const outlook = { startMs: 1000.5, sdMs: 50.25 };
const start = { poolId: 'a', wait: 'queued', outlook, actualMs: 1200, weight: 0.5 } as const;
const constraints = { preferPools: ['a'], avoidPools: [], workload: 'completion' };
const report: LoadReport = {
  runs: [{ replica: 'a/r', attempts: 1, sample: [[1, -1, 0, 5, 100]] }],
  lessons: {
    attempts: [
      { poolId: 'a', measure },
      { poolId: 'b', measure: { ...uncached, stoppedByItself: false } },
    ],
    starts: [start, { ...start, poolId: undefined, wait: 'none' }],
  },
  arrivals: [
    { constraints: { ...constraints, pinPoolId: 'a', engine: 'llamacpp', modelRef: 'm', ctx: 4096 }, perS: 2.5 },
    { constraints, perS: 0.125 },
  ],
};
const nothing: LoadReport = { runs: [], lessons: { attempts: [], starts: [] }, arrivals: [] };

it('is read as it was written', () => {
  expect(reportIn(textOf(report))).toEqual(report);
  expect(reportIn(textOf(nothing))).toEqual(nothing);
});

it('is nothing where it is of another version, or none at all; what is more in it is passed over', () => {
  for (const text of ['', 'null', '[]', '7', '{', '{}', '{"v":2,"runs":[]}', '{"runs":[]}'])
    expect(reportIn(text)).toBeUndefined();
  expect(reportIn('{"v":1,"ofTomorrow":[1]}')).toEqual(nothing);
  expect(reportIn('{"v":1,"runs":7,"attempts":{},"starts":"x","coming":null}')).toEqual(nothing);
});

it('has its bounds, whoever writes it: lessons, kinds of tasks that come, and all together', () => {
  const long = 'p'.repeat(128);
  const attempts = Array.from({ length: 100 }, () => ({ poolId: long, measure }));
  const starts = Array.from({ length: 100 }, () => ({ ...start, poolId: long }));
  const wide = { ...constraints, preferPools: Array.from({ length: 16 }, (_, n) => long.slice(2) + String(n + 10)) };
  const arrivals = Array.from({ length: 100 }, (_, n) => ({ constraints: { ...wide, ctx: n }, perS: n }));
  const text = textOf({ ...nothing, arrivals });
  expect(text.length).toBeLessThan(17_000);
  // Those that come most.
  expect(reportIn(text)?.arrivals[0]?.perS).toBe(99);
  const small = Array.from({ length: 100 }, (_, n) => ({ constraints: { ...constraints, ctx: n }, perS: n }));
  expect(reportIn(textOf({ ...nothing, arrivals: small }))?.arrivals.length).toBe(32);
  const read = reportIn(textOf({ ...nothing, lessons: { attempts, starts } }));
  expect([read?.lessons.attempts.length, read?.lessons.starts.length]).toEqual([LESSONS_MAX, LESSONS_MAX]);
  const lessons = { attempts: attempts.slice(0, LESSONS_MAX), starts: starts.slice(0, LESSONS_MAX) };
  const runs = Array.from({ length: 128 }, (_, n) => ({
    ...{ replica: `${n}`.padEnd(257, 'r'), attempts: 4096 },
    sample: [[1e8, 1e8, 1e6, 1e6, 1e6]] as const,
  }));
  expect(textOf({ runs, lessons, arrivals }).length).toBeLessThan(REPORT_MAX_CHARS);
});

it('leaves out what cannot be so', () => {
  const [attempt, stop] = [
    ['a', 1, -1, 100, 5, 90, 10, 0, 1],
    ['a', 'none', 10, 1, 12, 1],
  ];
  const altered = (row: readonly unknown[], at: number, value: unknown): unknown[] =>
    row.map((each, index) => (index === at ? value : each));
  const badAttempts = [
    ...[null, [], [1]],
    ...[1, 3, 4, 5, 6, 8].map(at => altered(attempt ?? [], at, -1)),
    ...[7, 'x'.repeat(129)].map(poolId => altered(attempt ?? [], 0, poolId)),
    altered(attempt ?? [], 2, 1.5),
  ];
  const badStarts = [
    ...[null, []],
    ...[2, 3, 4, 5].map(at => altered(stop ?? [], at, -1)),
    ...[
      altered(stop ?? [], 3, 0),
      altered(stop ?? [], 5, 2),
      altered(stop ?? [], 1, 'soon'),
      altered(stop ?? [], 0, 7),
    ],
  ];
  const badKinds = [
    ...[null, {}, { ...constraints, ofTomorrow: 1 }, { ...constraints, preferPools: 'a' }],
    ...[
      { ...constraints, avoidPools: [7] },
      { ...constraints, workload: 7 },
      { ...constraints, ctx: -1 },
    ],
    ...[
      { ...constraints, modelRef: 'x'.repeat(513) },
      { ...constraints, preferPools: ['x'.repeat(129)] },
    ],
  ].map(each => [each, 1]);
  const read = reportIn(
    JSON.stringify({
      ...{ v: 1, attempts: [...badAttempts, attempt], starts: [...badStarts, stop] },
      coming: [...badKinds, [constraints, -1], [constraints, 1]],
    }),
  );
  expect(read?.lessons.attempts.length).toBe(1);
  expect(read?.lessons.starts.length).toBe(1);
  expect(read?.arrivals).toEqual([{ constraints, perS: 1 }]);
});
