import { beforeEach, describe, expect, it } from 'vitest';
import { LeaseLost } from '../../records/record-lease';
import type { StoredBatch } from '../batch/stored-batch';
import { RunRecord } from './run-record';

const lease = { kind: 'batch', id: 'x', token: '1' } as const;
const cancelled = { status: 'cancelling', stop: 'cancelled', cancellingAtMs: 7 } as const;

describe('the record of a batch that runs here', () => {
  /** What is stored, and each of its states. */
  let stored: StoredBatch;
  let states: string[];
  let isLost: boolean;
  let stops: number;
  let kept: RunRecord;
  let records: ConstructorParameters<typeof RunRecord>[0];

  beforeEach(() => {
    stored = { id: 'x', status: 'validating', total: 0 } as StoredBatch;
    [states, isLost, stops] = [[], false, 0];
    records = {
      revise: async (batch: StoredBatch, was: StoredBatch) => {
        await Promise.resolve();
        if (isLost) throw new LeaseLost(lease);
        if (JSON.stringify(was) !== JSON.stringify(stored)) return false;
        states.push(batch.status);
        stored = batch;
        return true;
      },
      find: async () => stored,
    };
    kept = new RunRecord(records, stored, lease, () => stops++);
  });

  it('is written once more where another node has cancelled the batch, which loses neither change (B-ND-016)', async () => {
    stored = { ...stored, ...cancelled };
    await kept.set({ status: 'in_progress', total: 9 });
    expect(stored).toMatchObject({ ...cancelled, total: 9 });
    expect([kept.batch, stops]).toEqual([stored, 1]);
    await kept.end({ status: 'cancelled' });
    expect([stored.status, stored.stop, stops]).toEqual(['cancelled', 'cancelled', 1]);
  });

  it('is written in the order of the changes, though they come at once', async () => {
    await Promise.all([
      kept.set({ status: 'in_progress' }),
      kept.set({ status: 'finalizing', total: 3 }),
      kept.end({ status: 'completed' }),
    ]);
    expect([states.at(-1), stored.total]).toEqual(['completed', 3]);
  });

  it('has ended here only once that is durable', async () => {
    const ending = kept.end({ status: 'completed' });
    expect(kept.batch.status).toBe('validating');
    await ending;
    expect(kept.batch.status).toBe('completed');
  });

  it('is settled once what was set is durable, and has written again what could not be written', async () => {
    const order: string[] = [];
    const first = kept.set(cancelled).then(() => order.push('set'));
    await kept.settled();
    expect([order, stored]).toEqual([['set'], kept.batch]);
    await first;
    const { revise } = records;
    records.revise = () => Promise.reject(new Error('away'));
    await expect(kept.set({ total: 7 })).rejects.toThrow('away');
    await expect(kept.settled()).rejects.toThrow('away');
    records.revise = revise;
    await kept.settled();
    expect([stored.total, states.length]).toEqual([7, 2]);
    const ending = kept.end({ status: 'cancelled' });
    await kept.settled();
    await ending;
    expect([stored.status, kept.batch.status, states.at(-1)]).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });

  it('is not written by a node whose batch it is not any more (B-ND-015)', async () => {
    isLost = true;
    await expect(kept.end({ status: 'completed' })).rejects.toBeInstanceOf(LeaseLost);
    expect([kept.batch.status, stored.status]).toEqual(['validating', 'validating']);
  });
});
