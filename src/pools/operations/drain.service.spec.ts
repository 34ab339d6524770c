import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../test/support/deadline';
import { bindingOf, startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { ServiceError } from '../../errors/service-error';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import { Clock } from '../../time/clock';
import { DrainService } from './drain.service';
import type { Lease } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';

let journal: MemoryTaskJournal;
let pools: PoolsUnderTest;
let registry: PoolRegistry;
let drains: DrainService;
let lease: Lease;
let ended: ServiceError[];

async function start(): Promise<void> {
  pools = await startPools({}, journal);
  registry = pools.get(PoolRegistry);
  drains = pools.get(DrainService);
}

beforeEach(async () => {
  journal = new MemoryTaskJournal();
  await start();
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
afterEach(async () => {
  vi.restoreAllMocks();
  await pools.close();
});

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
    );
    expect(ended).toEqual([]);
    expect(await registry.acquire('gpu', 'r0')).toBeDefined();
  });
});

describe('a restart', () => {
  const kept = async () => (await journal.recover()).drains;

  async function restart(): Promise<void> {
    await pools.close();
    await start();
    await drains.restore(await kept());
  }

  it('leaves a pool draining that did, with what is left of its deadline, whenever its replicas come (B-CP-025)', async () => {
    await drains.drain('gpu', 60_000);
    await restart();
    expect(await registry.pool('gpu')).toMatchObject({ draining: true, replicas: [] });
    const [told] = pools.told('pool_draining');
    expect(told?.['deadline_ms']).toBeLessThanOrEqual(60_000);
    expect(told?.['deadline_ms']).toBeGreaterThan(30_000);
    await registry.bind(bindingOf('http://127.0.0.1:9'));
    await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 2 });
    expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
    await drains.undrain('gpu');
    expect(await registry.acquire('gpu', 'r0')).toBeDefined();
  });

  it('does not bring back a drain that was taken back', async () => {
    await drains.drain('gpu', 60_000);
    await drains.undrain('gpu');
    expect(await kept()).toEqual([]);
    await restart();
    expect(await registry.pools()).toEqual([]);
  });

  it('ends what runs at the deadline that was left', async () => {
    await drains.drain('gpu', 86_400_000);
    const [drain] = await kept();
    await pools.close();
    await start();
    await drains.restore(drain ? [{ ...drain, deadlineAtMs: pools.get(Clock).wallMs() + 20 }] : []);
    await eventually(
      async () => pools.told('pool_drained').length,
      count => count === 1,
    );
  });

  it.each([
    ['that passed meanwhile is over', -1, 0],
    ['is not longer than it was, whatever became of the clock', 3_600_000, 500],
  ])('with a deadline %s', async (_, aheadMs, leftMs) => {
    const drain = { poolId: 'p', deadlineMs: 500, deadlineAtMs: pools.get(Clock).wallMs() + aheadMs };
    await drains.restore([drain]);
    expect(pools.told('pool_draining')).toMatchObject([{ pool_id: 'p', deadline_ms: leftMs }]);
    expect(await registry.pool('p')).toMatchObject({ draining: true });
  });

  it('knows the last order of several at once', async () => {
    await Promise.all([drains.drain('gpu', 60_000), drains.undrain('gpu'), drains.drain('gpu', 500)]);
    expect(await kept()).toMatchObject([{ poolId: 'gpu', deadlineMs: 500 }]);
  });

  it('forgets a drain that could not be written; the order holds and the log says so', async () => {
    vi.spyOn(journal, 'saveDrain').mockRejectedValueOnce(new ServiceError('STORAGE_UNAVAILABLE'));
    await drains.drain('gpu', 60_000);
    expect(await registry.pool('gpu')).toMatchObject({ draining: true });
    expect(pools.told('drain_not_kept')).toMatchObject([{ level: 'warn', pool_id: 'gpu' }]);
    await drains.drain('gpu', 500);
    expect(await kept()).toMatchObject([{ deadlineMs: 500 }]);
  });
});

describe('a drain for the time of some work', () => {
  it('is not kept, and is taken back with its work', async () => {
    const takeBack = await drains.drainForNow('gpu', 60_000);
    expect((await journal.recover()).drains).toEqual([]);
    expect(await registry.pool('gpu')).toMatchObject({ draining: true });
    await takeBack();
    expect(await registry.pool('gpu')).toMatchObject({ draining: false });
  });

  it.each(['before', 'meanwhile'])('leaves alone what somebody drained %s', async when => {
    if (when === 'before') await drains.drain('gpu', 60_000);
    const takeBack = await drains.drainForNow('gpu', 500);
    if (when === 'meanwhile') await drains.drain('gpu', 60_000);
    await takeBack();
    expect(await registry.pool('gpu')).toMatchObject({ draining: true });
    expect((await journal.recover()).drains).toMatchObject([{ poolId: 'gpu', deadlineMs: 60_000 }]);
  });
});
