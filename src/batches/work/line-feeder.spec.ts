import { afterEach, expect, it, vi } from 'vitest';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import type { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { Lifecycle } from '../../lifecycle/lifecycle';
import type { MetricsService } from '../../observability/metrics.service';
import type { Narrator } from '../../observability/narrator';
import type { TaskEnds } from '../../openai/answers/task-ends';
import type { TaskEvents } from '../../openai/answers/task-events.service';
import type { OpenaiRequest } from '../../openai/requests/openai-request';
import type { OpenaiTasks } from '../../openai/requests/openai-tasks';
import { endEvent } from '../../tasks/events/task-events';
import type { Clock } from '../../time/clock';
import type { FileContents } from '../../uploads/file-contents.port';
import type { FileLine } from '../lines/line-splitter';
import { BatchRun } from './batch-run';
import { LineFeeder } from './line-feeder';
import { LineWork, type LineContext, type LineOutcome } from './line-work';
import { ModelSightings } from './model-sightings';
import type { Places } from './places';
import type { RunRecord } from './run-record';

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

function feeder(each = 100, lines = work): LineFeeder {
  const places = { free: (running: number) => AT_ONCE - running } as unknown as Places;
  const narrator = { attend: (promise: Promise<unknown>) => promise } as unknown as Narrator;
  const metrics = { batchLine: () => undefined } as unknown as MetricsService;
  const clock = { nowMs: () => nowMs } as Clock;
  const config = { batchLinesAtOnceEach: each } as Config;
  return new LineFeeder(config, lines, places, { isReady: true } as Lifecycle, metrics, clock, narrator);
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

it('goes on with lines of other models while none would come to those of one in time (B-BAT-004)', async () => {
  const [late, prompt] = [Array<string>(3 * AT_ONCE).fill('late'), Array<string>(AT_ONCE).fill('prompt')];
  const run = fileOf([...late, ...prompt]);
  const tried: string[] = [];
  let isLate = true;
  const submit = async ({ model }: OpenaiRequest): Promise<void> => {
    tried.push(model);
    if (model === 'late' && isLate) throw new ServiceError('DEADLINE_UNMET');
  };
  const feeding = feeder(100, linesOver(submit));
  feeding.add(run);
  const settled = async (counts: object): Promise<void> => {
    await vi.waitFor(() => expect(run.counts).toEqual(counts), { timeout: LAST_RESORT_MS });
    await settle();
  };
  await settled({ completed: prompt.length, failed: 0 });
  // Each was tried once, and from then on one for all of them.
  expect(tried.splice(0).sort()).toEqual([...late, ...prompt]);
  nowMs = 101;
  feeding.add(run);
  await settled({ completed: prompt.length, failed: 0 });
  expect(tried.splice(0)).toEqual(['late']);
  isLate = false;
  nowMs = 302;
  feeding.add(run);
  await settled({ completed: prompt.length + late.length, failed: 0 });
});

/** A batch whose lines name these models. */
function fileOf(models: readonly string[]): BatchRun {
  const batch = { id: 'batch_x', endpoint: '/v1/chat/completions', inputFileId: 'in' };
  const texts = models.map((model, at) => {
    const body = { model, messages: [{ role: 'user', content: 'Hi' }] };
    return `${JSON.stringify({ custom_id: String(at), method: 'POST', url: batch.endpoint, body })}\n`;
  });
  const input = Buffer.from(texts.join(''));
  const contents = {
    read: async (_id: string, at: number, most: number) => input.subarray(at, at + most),
    append: async () => undefined,
  } as unknown as FileContents;
  return new BatchRun({ batch } as RunRecord, contents, 1000, {} as Narrator, false, () => undefined);
}

/** Each task that is submitted has ended. */
function linesOver(submit: (request: OpenaiRequest) => Promise<void>): LineWork {
  const end = endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
  const clock = { wallMs: () => 0, nowMs: () => nowMs } as Clock;
  return new LineWork(
    { submit } as unknown as OpenaiTasks,
    { each: async (_id, take) => take(end) } as TaskEvents,
    { until: async () => undefined } as unknown as TaskEnds,
    { isReady: true } as Lifecycle,
    new ModelSightings({ batchModelWaitMs: 100 } as Config, clock, {} as Narrator),
    clock,
  );
}
