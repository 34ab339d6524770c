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

function ownersOf(
  records: object,
  leases: object,
  runner: object = { find: () => undefined },
  narrator: object = {},
): BatchOwners {
  return new BatchOwners(
    ...([records as BatchRecords, leases as RecordLeases, runner as BatchRunner, {} as FileUpkeep] as const),
    ...([{} as Lifecycle, {} as Clock, narrator as Narrator] as const),
  );
}

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
  const owners = ownersOf(records, leases);
  await expect(owners.create({ id: 'batch_x' } as StoredBatch)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect(left).toEqual([]);
});

it('a cancel of what another node has cancelled is told of once that is durable', async () => {
  const batch = { id: 'batch_x', status: 'cancelling', stop: 'cancelled' } as StoredBatch;
  const outcomes = [false, true];
  const written: (readonly StoredBatch[])[] = [];
  const records = {
    get: async () => batch,
    // The first time it is another one by then.
    revise: async (...texts: StoredBatch[]) => (written.push(texts), outcomes.shift()),
  };
  await ownersOf(records, {}).cancel('batch_x');
  expect(written).toEqual([
    [batch, batch],
    [batch, batch],
  ]);
});
