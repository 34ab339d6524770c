import { expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import type { Narrator } from '../../observability/narrator';
import type { FileContents } from '../../uploads/file-contents.port';
import { lineNumberIn } from '../results/result-line';
import { BatchRun } from './batch-run';
import type { RunRecord } from './run-record';

const batch = { id: 'batch_x', inputFileId: 'in', outputFileId: 'out', errorFileId: 'err' };

it('a stopped batch tells of each line, though storage failed while its tasks were cancelled', async () => {
  const files = new Map([
    ['in', Buffer.from('{}\n{}\n{}\n')],
    ['err', Buffer.alloc(0)],
  ]);
  const contents = {
    read: async (id: string, at: number, most: number) => (files.get(id) ?? Buffer.alloc(0)).subarray(at, at + most),
    truncate: async () => undefined,
    append: async (id: string, _at: number, piece: Buffer) =>
      void files.set(id, Buffer.concat([files.get(id) ?? Buffer.alloc(0), piece])),
  } as unknown as FileContents;
  const run = new BatchRun({ batch } as RunRecord, contents, 1000, {} as Narrator, true, () => undefined);
  await run.open();
  const faults = [undefined, new ServiceError('STORAGE_UNAVAILABLE')];
  const cancel = async (): Promise<boolean> => {
    const fault = faults.shift();
    if (fault) throw fault;
    return false;
  };
  await expect(run.recordRest('cancelled', cancel)).rejects.toThrow(ServiceError);
  // What was told of before the fault is durable, and counted, when that is known.
  expect(run.counts.failed).toBe(1);
  await run.recordRest('cancelled', cancel);
  const told = String(files.get('err')).split('\n').slice(0, -1);
  expect([told.map(text => lineNumberIn(text, batch.id)), run.counts.failed]).toEqual([[1, 2, 3], 3]);
});
