import { expect, it } from 'vitest';
import { ServiceError } from '../errors/service-error';
import type { Lifecycle } from '../lifecycle/lifecycle';
import type { Narrator } from '../observability/narrator';
import type { RecordLeases } from '../records/record-leases.port';
import type { Clock } from '../time/clock';
import type { FileUpkeep } from '../uploads/file-upkeep';
import { BatchOwners } from './batch-owners';
import type { BatchRecords } from './batch-records';
import type { BatchRunner } from './batch-runner';
import type { StoredBatch } from './batch/stored-batch';

it('a batch that was refused because it was not known to be durable is there for nobody to run', async () => {
  const stored = new Set<string>();
  /** What was stored when the lease was over, from when on others take what is there. */
  let left: readonly string[] | undefined;
  const records = {
    insert: async ({ id }: StoredBatch) => {
      stored.add(id);
      throw new ServiceError('STORAGE_UNAVAILABLE');
    },
    remove: async (id: string) => stored.delete(id),
  } as unknown as BatchRecords;
  const leases = {
    take: async (kind: string, id: string) => ({ kind, id, token: '1' }),
    end: async () => void (left = [...stored]),
  } as unknown as RecordLeases;
  const owners = new BatchOwners(
    ...([records, leases, {} as BatchRunner, {} as FileUpkeep] as const),
    ...([{} as Lifecycle, {} as Clock, {} as Narrator] as const),
  );
  await expect(owners.create({ id: 'batch_x' } as StoredBatch)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect(left).toEqual([]);
});
