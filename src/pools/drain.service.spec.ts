import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/deadline';
import { bindingOf, startPools, type PoolsUnderTest } from '../../test/support/pools';
import type { ServiceError } from '../errors/service-error';
import { DrainService } from './drain.service';
import type { Lease } from './pool';
import { PoolRegistry } from './pool-registry.port';

const WAIT_MS = 5000;

let pools: PoolsUnderTest;
let registry: PoolRegistry;
let drains: DrainService;
let lease: Lease;
let ended: ServiceError[];

beforeEach(async () => {
  pools = await startPools();
  registry = pools.get(PoolRegistry);
  drains = pools.get(DrainService);
  await registry.bind(bindingOf('http://127.0.0.1:9'));
  await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 2 });
  ended = [];
  const leased = await registry.acquire('gpu', 'r0');
  if (!leased) throw new Error('no slot was free');
  lease = leased;
  lease.revoked$.subscribe(reason => {
    ended.push(reason);
    lease.release();
  });
});
afterEach(() => pools.close());

describe('drain', () => {
  it('marks the pool at once and lets run what runs (B-CP-023, B-CP-024)', async () => {
    await drains.drain('gpu', 60_000);
    expect(await registry.pool('gpu')).toMatchObject({ draining: true, ready: false, slotsFree: 0, running: 1 });
    expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
    expect(ended).toEqual([]);
    expect(pools.told('pool_draining')).toMatchObject([{ pool_id: 'gpu', deadline_ms: 60_000 }]);
  });

  it('ends what is left at the deadline, with a typed error (B-CP-023)', async () => {
    await drains.drain('gpu', 20);
    await eventually(
      async () => ended.length,
      count => count > 0,
      WAIT_MS,
    );
    expect(ended.map(({ code }) => code)).toEqual(['POOL_DRAINED']);
    expect(await registry.pool('gpu')).toMatchObject({ draining: true, running: 0 });
    expect(pools.told('pool_drained')).toMatchObject([{ pool_id: 'gpu', tasks_ended: 1 }]);
  });

  it('again has a new deadline, and the old one passes unnoticed', async () => {
    await drains.drain('gpu', 20);
    await drains.drain('gpu', 60_000);
    await registry.bind(bindingOf('http://127.0.0.1:9', { poolId: 'other' }));
    await drains.drain('other', 40);
    await eventually(
      async () => pools.told('pool_drained').length,
      count => count > 0,
      WAIT_MS,
    );
    expect(pools.told('pool_drained')).toMatchObject([{ pool_id: 'other' }]);
    expect(ended).toEqual([]);
  });

  it('is refused for a pool that there is not', async () => {
    await expect(drains.drain('nobody', 1000)).rejects.toMatchObject({ code: 'POOL_NOT_FOUND' });
    await expect(drains.undrain('nobody')).rejects.toMatchObject({ code: 'POOL_NOT_FOUND' });
  });
});

describe('undrain', () => {
  it('takes the pool back, and its deadline does not come (B-CP-024)', async () => {
    await drains.drain('gpu', 20);
    await drains.undrain('gpu');
    expect(await registry.pool('gpu')).toMatchObject({ draining: false, ready: true, slotsFree: 1 });
    await registry.bind(bindingOf('http://127.0.0.1:9', { poolId: 'other' }));
    await drains.drain('other', 40);
    await eventually(
      async () => pools.told('pool_drained').length,
      count => count > 0,
      WAIT_MS,
    );
    expect(ended).toEqual([]);
    expect(await registry.acquire('gpu', 'r0')).toBeDefined();
  });
});
