import { expect, it } from 'vitest';
import type { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import type { MetricsService } from '../observability/metrics.service';
import type { Narrator } from '../observability/narrator';
import { LeaseLost } from '../records/record-lease';
import type { RecordLeases } from '../records/record-leases.port';
import type { Canceller } from '../tasks/ending/canceller';
import type { Alarms } from '../time/alarms';
import type { Clock } from '../time/clock';
import type { FileContents } from '../uploads/file-contents.port';
import type { FileRecords } from '../uploads/file-records';
import type { BatchRecords } from './batch-records';
import { BatchRunner } from './batch-runner';
import type { StoredBatch } from './batch/stored-batch';
import type { FileChecks } from './lines/file-checks';
import type { BatchRun } from './work/batch-run';
import type { LineFeeder } from './work/line-feeder';

const lease = { kind: 'batch', id: 'batch_x', token: '1' } as const;

interface Begun {
  readonly runner: BatchRunner;
  readonly run: BatchRun;
  readonly ended: Promise<StoredBatch>;
  /** What its record was, one after the other. */
  readonly written: readonly StoredBatch[];
}

/** One that runs, with no line under way and none left in its file, and the first write of which that it is cancelled fails so. */
async function begun(fault?: Error, total = 0, canceller: Partial<Canceller> = {}): Promise<Begun> {
  let end = (_batch: StoredBatch): void => undefined;
  const ended = new Promise<StoredBatch>(resolve => (end = resolve));
  let fed = (_run: BatchRun): void => undefined;
  const feeding = new Promise<BatchRun>(resolve => (fed = resolve));
  const faults = [fault];
  const written: StoredBatch[] = [];
  const records = {
    revise: async (batch: StoredBatch) => {
      const thrown = faults.shift();
      if (thrown) throw thrown;
      written.push(batch);
      if (batch.endedAtMs !== undefined) end(batch);
      return true;
    },
  };
  const nothing = (): void => undefined;
  const runner = new BatchRunner(
    { batchLineMaxBytes: 1000 } as Config,
    records as unknown as BatchRecords,
    {} as FileChecks,
    { add: fed, remove: nothing } as unknown as LineFeeder,
    { read: async () => Buffer.alloc(0), truncate: async () => undefined } as unknown as FileContents,
    {} as FileRecords,
    { say: nothing, end: async () => undefined } as unknown as RecordLeases,
    canceller as Canceller,
    { openBatches: nothing } as unknown as MetricsService,
    { at: () => ({ cancel: nothing }) } as unknown as Alarms,
    { wallMs: () => 1, nowMs: () => 1 } as Clock,
    { tell: nothing, warn: nothing, attend: (work: Promise<unknown>) => work } as unknown as Narrator,
  );
  runner.begin({ id: 'batch_x', status: 'in_progress', inProgressAtMs: 1, total } as StoredBatch, lease, true);
  return { runner, run: await feeding, ended, written };
}

it('a batch ends as cancelled though that could not be written at first, and no line of it is under way', async () => {
  const { runner, run, ended } = await begun(new ServiceError('STORAGE_UNAVAILABLE'));
  await expect(runner.cancel(run)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect((await ended).status).toBe('cancelled');
});

it('a second cancel is told of once the first is durable, and does what that could not', async () => {
  const { runner, run, written } = await begun(new ServiceError('STORAGE_UNAVAILABLE'));
  run.underWay = 1;
  const [first, second] = [runner.cancel(run), runner.cancel(run)];
  await expect(first).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect([await second, written.map(({ status }) => status)]).toEqual([true, ['cancelling']]);
});

it('a line whose task could not be cancelled is cancelled once storage is back', async () => {
  const asked: string[] = [];
  const cancel = async (taskId: string): Promise<void> => {
    if (asked.push(taskId) === 1) throw new ServiceError('STORAGE_UNAVAILABLE');
    // Its line ends by it.
    run.tasks.delete(taskId);
    run.underWay--;
    run.look();
  };
  const { runner, run, ended } = await begun(undefined, 0, { cancel });
  run.tasks.add('line-1');
  run.underWay = 1;
  await runner.cancel(run);
  expect([(await ended).status, asked]).toEqual(['cancelled', ['line-1', 'line-1']]);
});

it('a batch that is another node’s by now is not cancelled here, but let go of', async () => {
  const { runner, run } = await begun(new LeaseLost(lease));
  expect(await runner.cancel(run)).toBe(false);
  expect([run.isLost, runner.find('batch_x')]).toEqual([true, undefined]);
});

it('a batch whose lines are not all to be had any more fails, and says why (B-BAT-009)', async () => {
  const { run, ended } = await begun(undefined, 3);
  // There is nothing in its file.
  await run.take(0);
  run.look();
  expect(await ended).toMatchObject({
    status: 'failed',
    counts: { completed: 0, failed: 0 },
    faults: [{ code: 'lines_missing', message: expect.stringContaining('3 lines'), param: 'input_file_id' }],
  });
});
