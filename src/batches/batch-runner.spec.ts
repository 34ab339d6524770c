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
import type { FileHolds } from '../uploads/file-holds';
import type { FileRecords } from '../uploads/file-records';
import type { BatchRecords } from './batch-records';
import { BatchRunner } from './batch-runner';
import type { StoredBatch } from './batch/stored-batch';
import type { FileChecks } from './lines/file-checks';
import type { BatchRun } from './work/batch-run';
import type { LineFeeder } from './work/line-feeder';

const lease = { kind: 'batch', id: 'batch_x', token: '1' } as const;

/** One that runs, with no line under way, and the first write of which that it is cancelled fails so. */
async function cancelledAgainst(fault: Error): Promise<{ runner: BatchRunner; run: BatchRun; ended: Promise<string> }> {
  let end = (_status: string): void => undefined;
  const ended = new Promise<string>(resolve => (end = resolve));
  let begun = (): void => undefined;
  const feeding = new Promise<void>(resolve => (begun = resolve));
  const faults = [fault];
  const records = {
    revise: async ({ status, endedAtMs }: StoredBatch) => {
      const thrown = faults.shift();
      if (thrown) throw thrown;
      if (endedAtMs !== undefined) end(status);
      return true;
    },
  };
  const nothing = (): void => undefined;
  const runner = new BatchRunner(
    { batchLineMaxBytes: 1000 } as Config,
    records as unknown as BatchRecords,
    {} as FileChecks,
    { add: () => begun(), remove: nothing } as unknown as LineFeeder,
    { read: async () => Buffer.alloc(0), truncate: async () => undefined } as unknown as FileContents,
    {} as FileRecords,
    { hold: nothing, release: nothing } as unknown as FileHolds,
    { say: nothing, end: async () => undefined } as unknown as RecordLeases,
    {} as Canceller,
    { openBatches: nothing } as unknown as MetricsService,
    { after: () => ({ cancel: nothing }) } as unknown as Alarms,
    { wallMs: () => 1 } as Clock,
    { tell: nothing, warn: nothing, attend: (work: Promise<unknown>) => work } as unknown as Narrator,
  );
  runner.begin({ id: 'batch_x', status: 'in_progress', inProgressAtMs: 1, total: 0 } as StoredBatch, lease, true);
  await feeding;
  return { runner, run: runner.find('batch_x') as BatchRun, ended };
}

it('a batch ends as cancelled though that could not be written at first, and no line of it is under way', async () => {
  const { runner, run, ended } = await cancelledAgainst(new ServiceError('STORAGE_UNAVAILABLE'));
  await expect(runner.cancel(run)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect(await ended).toBe('cancelled');
});

it('a batch that is another node’s by now is not cancelled here, but let go of', async () => {
  const { runner, run } = await cancelledAgainst(new LeaseLost(lease));
  expect(await runner.cancel(run)).toBe(false);
  expect([run.isLost, runner.find('batch_x')]).toEqual([true, undefined]);
});
