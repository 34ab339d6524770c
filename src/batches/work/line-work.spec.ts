import { beforeEach, describe, expect, it } from 'vitest';
import { ServiceError, type ErrorDetails } from '../../errors/service-error';
import type { ErrorCode } from '../../errors/catalogue';
import type { Lifecycle } from '../../lifecycle/lifecycle';
import type { TaskEvents } from '../../openai/answers/task-events.service';
import type { OpenaiTasks } from '../../openai/requests/openai-tasks';
import type { WorkHeaders } from '../../openai/requests/work-headers';
import type { Clock } from '../../time/clock';
import { endEvent, errorEvent, tokenEvent } from '../../tasks/events/task-events';
import type { StoredBatch } from '../batch/stored-batch';
import { LineWork, type LineContext } from './line-work';
import type { TaskEnds } from '../../openai/answers/task-ends';
import type { Config } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import { ModelSightings } from './model-sightings';

const batch = { id: 'batch_a', endpoint: '/v1/chat/completions', correlationId: 'c' } as StoredBatch;
const context: LineContext = {
  batch,
  stop: undefined,
  isResumed: false,
  fedSinceMs: 50,
  endsAtMs: 1e15,
  tasks: new Set(),
  settled: () => undefined,
  decided: () => undefined,
};
const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
const line = {
  number: 1,
  bytes: Buffer.from(JSON.stringify({ custom_id: 'one', method: 'POST', url: batch.endpoint, body })),
};
const output = [
  tokenEvent(0, 'Hello'),
  endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' }),
];

let nowMs = 0;
let wallMs = 0;
const clock = { wallMs: () => wallMs, nowMs: () => nowMs } as Clock;
/** Of each submission. */
let deadlinesMs: number[] = [];
let told: Readonly<Record<string, unknown>>[] = [];
/** What a submission is refused with. */
let refusal: ServiceError | undefined;

beforeEach(() => {
  nowMs = wallMs = 0;
  deadlinesMs = [];
  told = [];
  refusal = undefined;
});

/** A task that has ended, whose output is read by that. */
function workOver(each: TaskEvents['each'], until: () => Promise<void> = () => Promise.resolve()): LineWork {
  const narrator = { warn: (_human: string, fields: object) => told.push({ ...fields }) } as unknown as Narrator;
  const submit = async (_request: unknown, { deadlineMs }: WorkHeaders): Promise<void> => {
    deadlinesMs.push(deadlineMs);
    if (refusal) throw refusal;
  };
  return new LineWork(
    { submit } as unknown as OpenaiTasks,
    { each } as TaskEvents,
    { until } as unknown as TaskEnds,
    { isReady: true } as Lifecycle,
    new ModelSightings({ batchModelWaitMs: 100 } as Config, clock, narrator),
    clock,
  );
}

const failing = (code: ErrorCode, details: ErrorDetails = {}): TaskEvents['each'] => {
  return () => Promise.reject(new ServiceError(code, details));
};

describe('a line of a batch (B-BAT-005)', () => {
  it('whose output storage cannot give now is tried again, and is no error', async () => {
    expect(await workOver(failing('STORAGE_UNAVAILABLE')).run(line, context)).toMatchObject({ kind: 'later' });
    const work = workOver(async (_taskId, take) => output.forEach(take));
    expect(await work.run(line, context)).toMatchObject({ kind: 'done', customId: 'one', result: { kind: 'answer' } });
  });

  it.each(['ORCHESTRATOR_RESTARTED', 'STORAGE_UNAVAILABLE'] as const)(
    'that has ended with %s before anybody saw its output runs again as another task, and not for ever (B-ND-014)',
    async code => {
      const asked: string[] = [];
      const work = (failures: number): LineWork =>
        workOver(async (taskId, take) => {
          asked.push(taskId);
          if (asked.length > failures) output.forEach(take);
          else take(errorEvent(new ServiceError(code), 1));
        });
      const outcome = await work(2).run(line, context);
      expect(outcome).toMatchObject({ kind: 'done', taskId: 'batch_a.1.3', result: { kind: 'answer' } });
      expect([asked.splice(0), context.tasks.size]).toEqual([['batch_a.1', 'batch_a.1.2', 'batch_a.1.3'], 0]);
      expect(await work(9).run(line, context)).toMatchObject({ result: { kind: 'error', error: { code } } });
      expect(asked.splice(0)).toHaveLength(5);
      const stopped = await work(9).run(line, { ...context, stop: 'cancelled' });
      expect([stopped, asked.length]).toMatchObject([{ kind: 'done', result: { kind: 'error' } }, 1]);
    },
  );

  it('that would start after its batch has ended is tried again: it may start before after all (B-BAT-004)', async () => {
    const work = workOver(async (_taskId, take) => output.forEach(take));
    const decided: string[] = [];
    const seen = { ...context, decided: (model: string) => void decided.push(model) };
    refusal = new ServiceError('DEADLINE_UNMET', { field: 'deadline_ms' });
    // By itself: lines of models that others do not wait for may well start in time.
    expect(await work.run(line, seen)).toEqual({ kind: 'later', afterMs: 100, model: 'm' });
    expect(decided).toEqual([]);
    refusal = undefined;
    expect(await work.run(line, seen)).toMatchObject({ kind: 'done', result: { kind: 'answer' } });
    expect(decided).toEqual(['m']);
  });

  it('has what is left of its window, whatever the wall clock is set to meanwhile (B-BAT-004)', async () => {
    const work = workOver(async (_taskId, take) => take(errorEvent(new ServiceError('DECODE_TIMEOUT'), 1)));
    [nowMs, wallMs] = [1000, 1e12];
    const outcome = await work.run(line, { ...context, endsAtMs: 61_000 });
    expect(outcome).toMatchObject({ result: { kind: 'error', error: { code: 'DECODE_TIMEOUT' } } });
    nowMs = 60_999.5;
    expect(await work.run(line, { ...context, endsAtMs: 61_000 })).toMatchObject({ result: { kind: 'stopped' } });
    expect(deadlinesMs).toEqual([60_000, 1]);
  });

  it('whose task waited until what another process took for the end of its batch runs again, until that (B-BAT-004)', async () => {
    const asked: string[] = [];
    const work = workOver(async (taskId, take) => {
      asked.push(taskId);
      if (asked.length > 1) output.forEach(take);
      else take(errorEvent(new ServiceError('DEADLINE_UNMET'), 1));
    });
    expect(await work.run(line, context)).toMatchObject({ taskId: 'batch_a.1.2', result: { kind: 'answer' } });
    asked.length = 0;
    const over = { ...context, endsAtMs: 0 };
    const expired = { kind: 'stopped', reason: 'expired' };
    expect(await work.run(line, over)).toMatchObject({ taskId: 'batch_a.1', result: expired });
    asked.length = 0;
    // Also where a process before had seen it end.
    expect(await work.run(line, { ...over, isResumed: true })).toMatchObject({ taskId: 'batch_a.1', result: expired });
  });

  it('whose output is gone is one', async () => {
    const outcome = await workOver(failing('TASK_NOT_FOUND')).run(line, context);
    expect(outcome).toMatchObject({ kind: 'done', result: { kind: 'error', error: { code: 'INTERNAL' } } });
  });
});

describe('a line of a batch whose model no engine has (B-BAT-010)', () => {
  const away = new ServiceError('MODEL_NOT_FOUND');
  const failed = { kind: 'done', result: { kind: 'error', error: { code: 'MODEL_NOT_FOUND' } } };
  const later = { kind: 'later' };

  it('waits after the start of the service, and fails once the model could have come', async () => {
    const work = workOver(async (_taskId, take) => output.forEach(take));
    refusal = away;
    nowMs = 99;
    expect(await work.run(line, context)).toMatchObject(later);
    nowMs = 100;
    expect(await work.run(line, context)).toMatchObject(failed);
    expect(told).toEqual([{ event: 'batch_model_away', model: 'm' }]);
  });

  it('waits from when a line has last found it there, be it that it was refused for want of room', async () => {
    const work = workOver(async (_taskId, take) => output.forEach(take));
    nowMs = 1000;
    expect(await work.run(line, context)).toMatchObject({ result: { kind: 'answer' } });
    refusal = away;
    nowMs = 1099;
    expect(await work.run(line, context)).toMatchObject(later);
    refusal = new ServiceError('ADMISSION_REJECT');
    expect(await work.run(line, context)).toMatchObject(later);
    refusal = away;
    nowMs = 1198;
    expect(await work.run(line, context)).toMatchObject(later);
    nowMs = 1199;
    expect(await work.run(line, context)).toMatchObject(failed);
    // Once each time that it went.
    expect(told).toHaveLength(2);
  });

  it('waits by itself where it has a model that no live engine has, and says who need not wait any more', async () => {
    const decided: string[] = [];
    const seen = { ...context, decided: (model: string) => void decided.push(model) };
    const work = workOver(async (_taskId, take) => output.forEach(take));
    refusal = new ServiceError('POOL_UNAVAILABLE');
    expect(await work.run(line, seen)).toMatchObject({ ...later, model: 'm' });
    refusal = away;
    expect(await work.run(line, seen)).toMatchObject({ ...later, model: 'm' });
    expect(decided).toEqual([]);
    refusal = new ServiceError('ADMISSION_REJECT');
    expect(await work.run(line, seen)).toEqual({ ...later, afterMs: 100 });
    refusal = away;
    nowMs = 100;
    expect(await work.run(line, seen)).toMatchObject(failed);
    refusal = undefined;
    expect(await work.run(line, seen)).toMatchObject({ result: { kind: 'answer' } });
    expect(decided).toEqual(['m', 'm', 'm']);
  });

  it('is not taken to have found it where storage could not say', async () => {
    const work = workOver(async (_taskId, take) => output.forEach(take));
    nowMs = 99;
    refusal = new ServiceError('STORAGE_UNAVAILABLE');
    expect(await work.run(line, context)).toMatchObject(later);
    refusal = away;
    nowMs = 100;
    expect(await work.run(line, context)).toMatchObject(failed);
  });

  it('waits from the end of a line that ran for longer than that', async () => {
    let end: () => void = () => undefined;
    const work = workOver(
      async (_taskId, take) => output.forEach(take),
      () => new Promise(resolve => (end = resolve)),
    );
    const running = work.run(line, context);
    await new Promise(setImmediate);
    nowMs = 1000;
    end();
    await running;
    refusal = away;
    nowMs = 1099;
    expect(await work.run(line, context)).toMatchObject(later);
  });

  it('of a batch that another process had begun waits from when it is run here', async () => {
    const work = workOver(failing('TASK_NOT_FOUND'));
    refusal = away;
    nowMs = 5099;
    const resumed = { ...context, isResumed: true, fedSinceMs: 5000 };
    expect(await work.run(line, resumed)).toMatchObject(later);
    expect(await work.run(line, context)).toMatchObject(failed);
    nowMs = 5100;
    expect(await work.run(line, resumed)).toMatchObject(failed);
  });

  it('is looked for under a thousand names: those that were seen last', () => {
    const narrator = { warn: () => undefined } as unknown as Narrator;
    const sightings = new ModelSightings({ batchModelWaitMs: 100 } as Config, clock, narrator);
    nowMs = 1000;
    for (let at = 0; at <= 1000; at++) sightings.seen(`model-${at}`);
    expect([sightings.isAwaited('model-0'), sightings.isAwaited('model-1')]).toEqual([false, true]);
  });
});
