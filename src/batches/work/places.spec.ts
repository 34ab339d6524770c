import { describe, expect, it } from 'vitest';
import type { Config } from '../../config/config';
import type { PoolRegistry } from '../../pools/registry/pool-registry.port';
import type { RecordLeases } from '../../records/record-leases.port';
import type { TaskLedger } from '../../tasks/ledger/task-ledger.port';
import { Places } from './places';

function placesOf(nodes: number, slots: number, config: Partial<Config> = {}, waiting = 0): Places {
  return new Places(
    { admissionCapacity: 1000, ...config } as Config,
    { view: () => [{ replicas: [{ live: true, slotsTotal: slots }] }] } as unknown as PoolRegistry,
    { depth: () => ({ interactive: waiting, batch: 0 }) } as TaskLedger,
    { holders: () => nodes } as unknown as RecordLeases,
  );
}

describe('places for lines of batches', () => {
  it('are three quarters of the slots, or as many as are set, less what runs', () => {
    expect([placesOf(1, 16).free(0, 0), placesOf(1, 16).free(5, 0), placesOf(1, 0).free(0, 0)]).toEqual([12, 7, 4]);
    expect(placesOf(1, 16, { batchLinesAtOnce: 3 }).free(1, 0)).toBe(2);
  });

  it('are shared by the nodes that have batches, each of which has one at least (B-ND-014)', () => {
    expect([placesOf(2, 16).free(0, 0), placesOf(3, 16).free(0, 0), placesOf(20, 16).free(0, 0)]).toEqual([6, 4, 1]);
    expect(placesOf(2, 16, { batchLinesAtOnce: 3 }).free(0, 0)).toBe(1);
  });

  it('leave half of the queue to others', () => {
    expect(placesOf(1, 16, { admissionCapacity: 20 }, 7).free(0, 1)).toBe(2);
  });
});
