import { afterEach, expect, it, vi } from 'vitest';
import type { Config } from '../../config/config';
import type { Lifecycle } from '../../lifecycle/lifecycle';
import type { MetricsService } from '../../observability/metrics.service';
import type { Narrator } from '../../observability/narrator';
import type { Clock } from '../../time/clock';
import type { FileLine } from '../lines/line-splitter';
import type { BatchRun } from './batch-run';
import { LineFeeder } from './line-feeder';
import type { LineContext, LineOutcome, LineWork } from './line-work';
import type { Places } from './places';

const AT_ONCE = 6;
let nowMs = 0;
const begun: string[] = [];
const ends: (() => void)[] = [];
/** What becomes of a line; undefined: it ends when the test says so. */
let outcomeOf: (batch: string) => LineOutcome | undefined = () => undefined;

const work = {
  run: (_line: FileLine, { batch, settled }: LineContext) => {
    begun.push(batch.id);
    settled();
    const done: LineOutcome = { kind: 'done', customId: '', taskId: '', result: { kind: 'answer', body: {} } };
    const told = outcomeOf(batch.id);
    if (told) return Promise.resolve(told);
    return new Promise<LineOutcome>(resolve => ends.push(() => resolve(done)));
  },
} as unknown as LineWork;

function feeder(each = 100): LineFeeder {
  const places = { free: (running: number) => AT_ONCE - running } as unknown as Places;
  const narrator = { attend: (promise: Promise<unknown>) => promise } as unknown as Narrator;
  const metrics = { batchLine: () => undefined } as unknown as MetricsService;
  const clock = { nowMs: () => nowMs } as Clock;
  const config = { batchLinesAtOnceEach: each } as Config;
  return new LineFeeder(config, work, places, { isReady: true } as Lifecycle, metrics, clock, narrator);
}

function runOf(id: string, lines: number): BatchRun {
  let left = lines;
  const backlog: FileLine[] = [];
  return {
    batch: { id },
    tasks: new Set<string>(),
    underWay: 0,
    lastTurn: 0,
    pausedUntilMs: 0,
    hasMoreAt(this: BatchRun, nowMs: number) {
      return this.pausedUntilMs <= nowMs && (left >= 0 || backlog.length > 0);
    },
    take: () => {
      const again = backlog.shift();
      if (again) return Promise.resolve(again);
      return Promise.resolve(left-- > 0 ? { number: lines - left, bytes: Buffer.alloc(0) } : undefined);
    },
    putBack: (line: FileLine) => backlog.push(line),
    record: () => Promise.resolve(),
    look: () => undefined,
  } as unknown as BatchRun;
}

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

afterEach(() => {
  vi.useRealTimers();
  begun.length = ends.length = 0;
  outcomeOf = () => undefined;
  nowMs = 0;
});

it('gives each place to the batch that has the fewest lines under way (B-BAT-006)', async () => {
  const feeding = feeder();
  feeding.add(runOf('large', 1000));
  await settle();
  expect(begun).toEqual(Array(AT_ONCE).fill('large'));
  for (const id of ['a', 'b', 'c']) feeding.add(runOf(id, 100));
  for (let turn = 0; turn < 30; turn++) {
    ends.shift()?.();
    await settle();
  }
  const later = begun.slice(AT_ONCE + 6);
  const counts = ['large', 'a', 'b', 'c'].map(id => later.filter(each => each === id).length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
});

it('gives one batch no more places than it may have', async () => {
  feeder(2).add(runOf('only', 100));
  await settle();
  expect(begun.length).toBe(2);
});

it('leaves a batch alone for a while whose lines find no room, and gives its places to others', async () => {
  const feeding = feeder();
  outcomeOf = id => (id === 'waiting' ? { kind: 'later', afterMs: 1000 } : undefined);
  feeding.add(runOf('waiting', 100));
  await settle();
  const tried = begun.length;
  feeding.add(runOf('other', 100));
  await settle();
  expect(begun.slice(tried)).toEqual(Array(AT_ONCE).fill('other'));
  nowMs = 1001;
  ends.shift()?.();
  await settle();
  expect(begun.slice(tried + AT_ONCE)).toContain('waiting');
});
