import { filter, firstValueFrom, timeout } from 'rxjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineProbe } from '../../src/engines/engine-adapter.port';
import { ServiceError } from '../../src/errors/service-error';
import type { PoolChange, PoolRegistry } from '../../src/pools/registry/pool-registry.port';
import { gpuPool, reasonsOf } from './gpu-pool';
import { slotsStayRight } from './pool-registry.property';
import { bindingOf, first, gone, ready, second, type PoolRegistryUnderTest } from './pool-samples';
import { LAST_RESORT_MS } from '../support/deadline';

/** What every driver of the PoolRegistry port keeps. */
export function poolRegistryContract(driver: string, open: () => Promise<PoolRegistryUnderTest>): void {
  describe(`PoolRegistry: ${driver}`, () => {
    const gpu = gpuPool(open);
    let registry: PoolRegistry;
    let changes: PoolChange[];

    beforeEach(() => ({ registry, changes } = gpu));

    const { acquire, bindReady, observe, replica } = gpu;

    function nextUnbound(): Promise<PoolChange> {
      const unbound$ = registry.changes$.pipe(filter(({ kind }) => kind === 'unbound'));
      return firstValueFrom(unbound$.pipe(timeout(LAST_RESORT_MS)));
    }

    it('has another version after each change of what may be placed where, and not after one of slots', async () => {
      const steps: readonly (() => unknown)[] = [
        () => registry.bind(bindingOf()),
        () => observe(ready()),
        () => registry.setDraining('gpu', true),
        () => registry.setDraining('gpu', false),
        () => registry.setReloading('gpu', true),
        () => registry.setReloading('gpu', false),
      ];
      for (const [at, step] of steps.entries()) {
        const before = registry.version;
        await step();
        expect(registry.version, `step ${at}`).not.toBe(before);
      }
      const before = registry.version;
      (await acquire())?.release();
      expect(registry.version).toBe(before);
      await registry.unbind('gpu', 'r0');
      expect(registry.version).not.toBe(before);
    });

    it('tells of pools and replicas first to those who want nothing else, and of slots not to them', async () => {
      const told: string[] = [];
      registry.changes$.subscribe(({ kind }) => told.push(kind));
      registry.poolChanges$.subscribe(({ kind }) => told.push(`pool: ${kind}`));
      await bindReady(1);
      (await acquire()).release();
      await registry.unbind('gpu', 'r0');
      expect(told).toEqual([
        ...['pool: bound', 'bound', 'pool: health', 'health'],
        'slot-freed',
        ...['pool: unbound', 'unbound'],
      ]);
    });

    describe('what is not there', () => {
      it('is undefined or false', async () => {
        expect(await registry.pools()).toEqual([]);
        expect(await registry.pool('gpu')).toBeUndefined();
        expect(await replica()).toBeUndefined();
        expect(await registry.unbind('gpu', 'r0')).toBe(false);
        expect(await registry.setDraining('gpu', true)).toBe(false);
        expect(await registry.setReloading('gpu', true)).toBe(false);
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        expect(await registry.revoke('gpu', new ServiceError('POOL_DRAINED'))).toBe(0);
        await registry.observe('gpu', 'r0', ready());
        await registry.recordPurge('gpu', {});
        expect(await registry.pools()).toEqual([]);
        expect(changes).toEqual([]);
      });
    });

    describe('health', () => {
      it('is unknown until the engine was asked', async () => {
        await registry.bind(bindingOf({ slotsTotal: 3, engineVersion: 'b1', deviceMask: '0,1' }));
        expect(await replica()).toMatchObject({
          ...{ url: first, source: 'worker', engine: 'deterministic', engineVersion: 'b1', deviceMask: '0,1' },
          ...{ live: false, ready: false, probed: false, leaving: false, slotsTotal: 0, slotsFree: 0, running: 0 },
        });
        expect(await registry.pool('gpu')).toMatchObject({ live: false, ready: false, slotsTotal: 0, slotsFree: 0 });
        expect((await registry.pool('gpu'))?.lastError).toBe('The engine has not been asked yet.');
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
      });

      it('never comes without an address (B-CP-057)', async () => {
        expect(await registry.bind(bindingOf({ url: null }))).toBe('bound');
        expect(await replica()).toMatchObject({ live: false, ready: false, probed: true });
        expect((await registry.pool('gpu'))?.lastError).toBe('No engine address was given for this replica.');
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
      });

      it('is what the engine says of itself', async () => {
        await registry.bind(bindingOf({ slotsTotal: 3, engineVersion: 'b1' }));
        const models = [{ id: 'tiny', state: 'loaded' }] as const;
        const said = {
          ...{ engineVersion: 'b2', slotsTotal: 4, ctxMax: 4096, loadedModel: 'tiny', models, kvUsageRatio: 0.25 },
          ...{ supportedWorkloads: ['completion'], features: ['seed'] },
        };
        await observe({ state: 'ready', ...said });
        expect(await replica()).toMatchObject({ live: true, ready: true, probed: true, slotsFree: 4, ...said });
        expect(await registry.pool('gpu')).toMatchObject({ live: true, ready: true, slotsTotal: 4, slotsFree: 4 });
        expect((await registry.pool('gpu'))?.lastError).toBeUndefined();
        expect((await replica())?.lastSeenMs).toBeGreaterThan(0);
      });

      it('is needed once for its slots to count, declared or not; after that they stay in the total', async () => {
        await registry.bind(bindingOf({ slotsTotal: 3 }));
        await observe({ state: 'loading' });
        await observe(gone);
        expect((await registry.pool('gpu'))?.slotsTotal).toBe(0);
        await observe({ state: 'ready' });
        expect(await registry.pool('gpu')).toMatchObject({ slotsTotal: 3, slotsFree: 3 });
        await observe(gone);
        await observe(gone);
        expect(await registry.pool('gpu')).toMatchObject({ slotsTotal: 3, slotsFree: 0 });
      });

      it('is live and not ready while the engine loads', async () => {
        await registry.bind(bindingOf());
        await observe({ state: 'loading', reason: 'Loading model' });
        expect(await replica()).toMatchObject({ live: true, ready: false, slotsFree: 0, lastError: 'Loading model' });
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
      });

      it('outlives one missed answer and not two', async () => {
        await bindReady();
        await observe(gone);
        expect(await replica()).toMatchObject({ live: true, ready: true, slotsFree: 2 });
        await observe(gone);
        expect(await replica()).toMatchObject({ live: false, ready: false, slotsFree: 0, lastError: gone.reason });
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        await observe(ready());
        expect(await replica()).toMatchObject({ live: true, ready: true, slotsFree: 2 });
      });

      it('is not alive before the first answer, however few were missed', async () => {
        await registry.bind(bindingOf());
        await observe(gone);
        expect(await replica()).toMatchObject({ live: false, ready: false, lastError: gone.reason });
      });

      it('is not known before the engine said how it is, or twice gave no answer (B-DP-112)', async () => {
        await registry.bind(bindingOf());
        const probed = async (probe: EngineProbe): Promise<boolean | undefined> => {
          await observe(probe);
          return (await replica())?.probed;
        };
        expect([await probed(gone), await probed({ state: 'busy' }), await probed(gone)]).toEqual([
          false,
          false,
          false,
        ]);
        expect(await probed(gone)).toBe(true);
        expect(await probed({ state: 'busy' })).toBe(false);
        expect(await probed({ state: 'loading' })).toBe(true);
        expect(await probed(gone)).toBe(true);
      });

      it('is that of before while the engine is too busy to say more, and it has no slot to give', async () => {
        await bindReady(2);
        await observe(gone);
        await observe({ state: 'busy', reason: 'The engine is busy.' });
        await observe(gone);
        expect(await replica()).toMatchObject({ live: true, ready: true, slotsTotal: 2, slotsFree: 0 });
        await observe(ready(2));
        expect(await replica()).toMatchObject({ ready: true, slotsFree: 2 });
      });

      it('is told when it changes, and not when it stays', async () => {
        await bindReady();
        changes.length = 0;
        await observe(ready());
        await observe({ ...ready(), kvUsageRatio: 0.5 });
        expect(changes).toEqual([]);
        expect((await replica())?.kvUsageRatio).toBe(0.5);
        await observe(ready(4));
        await observe({ state: 'loading' });
        const change = { poolId: 'gpu', replicaId: 'r0', kind: 'health' };
        expect(changes).toEqual([change, change]);
      });
    });

    describe('binding', () => {
      it('again renews it', async () => {
        await bindReady();
        changes.length = 0;
        expect(await registry.bind(bindingOf())).toBe('renewed');
        expect(changes).toEqual([]);
        expect(await replica()).toMatchObject({ live: true, ready: true });
      });

      it('keeps the address of a replica that is alive (B-BG-005)', async () => {
        await bindReady();
        expect(await registry.bind(bindingOf({ url: second }))).toBe('kept');
        expect(await registry.bind(bindingOf({ url: null }))).toBe('kept');
        expect(await replica()).toMatchObject({ url: first, ready: true });
      });

      it('replaces a dead one by another address, and ends what still ran on it (B-BG-005)', async () => {
        await bindReady();
        const lease = await acquire();
        const reasons = reasonsOf(lease);
        await observe(gone);
        await observe(gone);
        expect(await registry.bind(bindingOf({ url: second, slotsTotal: 1 }))).toBe('replaced');
        expect(reasons.map(({ code }) => code)).toEqual(['WORKER_RESET']);
        expect(await replica()).toMatchObject({ url: second, live: false, probed: false, slotsTotal: 0, running: 0 });
        await observe(ready(1));
        expect(await replica()).toMatchObject({ ready: true, slotsFree: 1 });
        expect((await registry.pool('gpu'))?.running).toBe(1);
        lease.release();
        expect((await registry.pool('gpu'))?.running).toBe(0);
      });

      it('leaves its pool in place for what still runs where another was', async () => {
        await bindReady();
        const lease = await acquire();
        const reasons = reasonsOf(lease);
        await registry.unbind('gpu', 'r0');
        await registry.bind(bindingOf({ url: second }));
        await registry.unbind('gpu', 'r0');
        expect(await registry.pool('gpu')).toMatchObject({ running: 1, replicas: [] });
        expect(await registry.revoke('gpu', new ServiceError('POOL_DRAINED'))).toBe(1);
        expect(reasons).toHaveLength(1);
        lease.release();
        expect(await registry.pools()).toEqual([]);
      });

      it('ends the time to live of what it replaces', async () => {
        await registry.bind(bindingOf({ ttlMs: 20 }));
        await registry.bind(bindingOf({ url: second }));
        await registry.bind(bindingOf({ replicaId: 'r1', ttlMs: 40 }));
        await nextUnbound();
        expect(await replica()).toMatchObject({ url: second, leaving: false });
      });

      it('gives an address to one that had none', async () => {
        await registry.bind(bindingOf({ url: null }));
        expect(await registry.bind(bindingOf())).toBe('replaced');
        expect(await replica()).toMatchObject({ url: first, probed: false });
      });

      it('replaces one that is leaving at once, and lets its tasks end', async () => {
        await bindReady();
        const lease = await acquire();
        const reasons = reasonsOf(lease);
        await registry.unbind('gpu', 'r0');
        expect(await registry.bind(bindingOf({ url: second }))).toBe('replaced');
        expect(reasons).toEqual([]);
        lease.release();
        expect(await replica()).toMatchObject({ url: second, leaving: false, running: 0 });
      });

      it('takes back a removal that has begun', async () => {
        await bindReady();
        const lease = await acquire();
        await registry.unbind('gpu', 'r0');
        changes.length = 0;
        expect(await registry.bind(bindingOf())).toBe('renewed');
        expect(changes).toEqual([{ poolId: 'gpu', replicaId: 'r0', kind: 'bound' }]);
        lease.release();
        expect(await replica()).toMatchObject({ leaving: false, ready: true, slotsFree: 2 });
      });

      it('belongs to whoever came first', async () => {
        await registry.bind(bindingOf({ source: 'config' }));
        await registry.bind(bindingOf({ source: 'handoff' }));
        expect((await replica())?.source).toBe('config');
      });

      it('belongs to the configuration where that names it', async () => {
        await registry.bind(bindingOf({ ttlMs: 20 }));
        await registry.bind(bindingOf({ source: 'config' }));
        await registry.bind(bindingOf({ replicaId: 'r1', ttlMs: 40 }));
        await nextUnbound();
        const found = await replica();
        expect(found).toMatchObject({ source: 'config', leaving: false });
        expect(found).not.toHaveProperty('ttlMs');
      });

      it.each(['config', 'handoff'] as const)(
        'by %s does not lapse with the time that a worker names',
        async source => {
          await registry.bind(bindingOf({ source }));
          changes.length = 0;
          await registry.bind(bindingOf({ ttlMs: 20 }));
          expect(changes).toEqual([]);
          await registry.bind(bindingOf({ replicaId: 'r1', ttlMs: 40 }));
          await nextUnbound();
          expect(await replica()).toMatchObject({ source, leaving: false });
        },
      );

      it('lapses in its own time, whoever else names it', async () => {
        await registry.bind(bindingOf({ ttlMs: 100 }));
        await registry.bind(bindingOf({ source: 'handoff' }));
        expect(await replica()).toMatchObject({ source: 'worker', ttlMs: 100 });
        expect(await nextUnbound()).toMatchObject({ replicaId: 'r0' });
      });

      it('refuses an engine that there is not, and leaves what was bound', async () => {
        await registry.bind(bindingOf());
        const refused = registry.bind(bindingOf({ url: second, engine: 'nobody' }));
        await expect(refused).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'engine' } });
        expect(await replica()).toMatchObject({ url: first });
      });

      it('refuses more pools or replicas than it has room for', async () => {
        for (let pool = 0; pool < 256; pool++) await registry.bind(bindingOf({ poolId: `pool-${pool}` }));
        const oneMorePool = registry.bind(bindingOf({ poolId: 'one-more' }));
        await expect(oneMorePool).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'pool_id' } });
        for (let n = 256; n < 1024; n++) await registry.bind(bindingOf({ poolId: 'pool-0', replicaId: `r${n}` }));
        const oneMore = registry.bind(bindingOf({ poolId: 'pool-1', replicaId: 'one-more' }));
        await expect(oneMore).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'replica_id' } });
        expect(await registry.bind(bindingOf({ poolId: 'pool-1' }))).toBe('renewed');
        await registry.unbind('pool-255', 'r0');
        expect(await registry.bind(bindingOf({ poolId: 'one-more' }))).toBe('bound');
      });
    });

    describe('placing', () => {
      it('puts a binding in the place of one that is alive, whose tasks end in peace', async () => {
        await bindReady();
        const lease = await acquire();
        const revoked = vi.fn();
        lease.revoked$.subscribe(revoked);
        await registry.place(bindingOf({ url: second, source: 'handoff', isElsewhere: true }));
        expect(await replica()).toMatchObject({ url: second, source: 'handoff', isElsewhere: true, ready: false });
        expect(revoked).not.toHaveBeenCalled();
        lease.release();
        expect(await replica()).toMatchObject({ url: second, leaving: false });
        expect(changes.filter(({ kind }) => kind === 'unbound')).toEqual([]);
      });

      it('changes what is said of an engine that is bound already, and not how it is', async () => {
        await registry.bind(bindingOf({ ttlMs: 20, slotsTotal: 1, deviceMask: '0' }));
        await observe(ready());
        await registry.place(bindingOf({ source: 'handoff', apiKeyFile: 'key', isElsewhere: true }));
        const placed = await replica();
        expect(placed).toMatchObject({ source: 'handoff', apiKeyFile: 'key', isElsewhere: true, ready: true });
        expect([placed?.ttlMs, placed?.slotsDeclared]).toEqual([undefined, undefined]);
        const lapsed = nextUnbound();
        await registry.bind(bindingOf({ replicaId: 'r1', ttlMs: 40 }));
        expect(await lapsed).toMatchObject({ replicaId: 'r1' });
        expect(await replica()).toMatchObject({ leaving: false });
      });

      it('binds what is not bound, or was to go, and it lapses', async () => {
        await bindReady();
        const lease = await acquire();
        await registry.unbind('gpu', 'r0');
        const lapsed = nextUnbound();
        await registry.place(bindingOf({ replicaId: 'r1', ttlMs: 20 }));
        await registry.place(bindingOf());
        expect(await replica()).toMatchObject({ leaving: false, ready: true });
        expect(await lapsed).toMatchObject({ replicaId: 'r1', cause: { reason: 'lapsed' } });
        lease.release();
        expect(await replica()).toMatchObject({ leaving: false });
      });

      it('what another node’s file has bound is renewed by nobody here, until it is to go', async () => {
        await registry.place(bindingOf({ source: 'handoff', isElsewhere: true }));
        expect(await registry.bind(bindingOf({ ttlMs: 20, slotsTotal: 1 }))).toBe('renewed');
        expect(await replica()).toMatchObject({ source: 'handoff', isElsewhere: true });
        expect((await replica())?.slotsDeclared).toBeUndefined();
        await observe(ready());
        const lease = await acquire();
        await registry.unbind('gpu', 'r0');
        await registry.bind(bindingOf());
        const bound = await replica();
        expect([bound?.source, bound?.isElsewhere]).toEqual(['worker', undefined]);
        lease.release();
      });
    });

    describe('unbinding', () => {
      it('forgets an idle replica at once, and its pool with the last one', async () => {
        await bindReady();
        await registry.bind(bindingOf({ replicaId: 'r1' }));
        const cause = { reason: 'operator', by: 'key:123abc' } as const;
        expect(await registry.unbind('gpu', 'r0', cause)).toBe(true);
        expect(changes.at(-1)).toEqual({ poolId: 'gpu', replicaId: 'r0', kind: 'unbound', cause });
        expect((await registry.pool('gpu'))?.replicas.map(({ replicaId }) => replicaId)).toEqual(['r1']);
        await registry.unbind('gpu', 'r1');
        expect(await registry.pools()).toEqual([]);
      });

      it('of a busy replica waits for its last lease, and gives no other', async () => {
        await bindReady();
        const [one, two] = [await acquire(), await acquire()];
        const cause = { reason: 'handoff_removed' } as const;
        expect(await registry.unbind('gpu', 'r0', cause)).toBe(true);
        one.release();
        expect(await replica()).toMatchObject({ leaving: true, ready: false, slotsFree: 0, running: 1 });
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        changes.length = 0;
        expect(await registry.unbind('gpu', 'r0')).toBe(true);
        expect(changes).toEqual([]);
        two.release();
        expect(await registry.pools()).toEqual([]);
        expect(changes.map(({ kind }) => kind)).toEqual(['slot-freed', 'unbound']);
        expect(changes.at(-1)).toMatchObject({ cause });
      });

      it('comes by itself when the registration lapses (B-CP-057)', async () => {
        const lapsed = nextUnbound();
        await registry.bind(bindingOf({ ttlMs: 30 }));
        await registry.bind(bindingOf({ replicaId: 'r1', ttlMs: 30 }));
        expect(await registry.bind(bindingOf())).toBe('renewed');
        expect(await lapsed).toMatchObject({ replicaId: 'r1', cause: { reason: 'lapsed' } });
        expect(await replica()).toMatchObject({ leaving: false });
      });

      it('is put off by each renewal', async () => {
        await registry.bind(bindingOf({ ttlMs: 20 }));
        await registry.bind(bindingOf({ ttlMs: 60_000 }));
        await registry.bind(bindingOf({ replicaId: 'r1', ttlMs: 40 }));
        await nextUnbound();
        expect((await registry.pool('gpu'))?.replicas.map(({ replicaId }) => replicaId)).toEqual(['r0']);
      });
    });

    describe('a pool', () => {
      it.each(['setDraining', 'setReloading'] as const)('gives nothing while %s', async set => {
        await bindReady();
        changes.length = 0;
        expect(await registry[set]('gpu', true)).toBe(true);
        expect(await registry.pool('gpu')).toMatchObject({ live: true, ready: false, slotsFree: 0 });
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        expect(await registry[set]('gpu', false)).toBe(true);
        expect(await registry.pool('gpu')).toMatchObject({ ready: true, slotsFree: 2 });
        await acquire();
        expect(changes).toHaveLength(2);
      });

      it('is reloaded until all are through who have it under way', async () => {
        await bindReady();
        await registry.setReloading('gpu', true);
        await registry.setReloading('gpu', true, 'other');
        await registry.setReloading('gpu', false);
        expect(await registry.pool('gpu')).toMatchObject({ reloading: true, ready: false });
        await registry.setReloading('gpu', false, 'other');
        expect(await registry.pool('gpu')).toMatchObject({ reloading: false, ready: true });
      });

      it('stays while it drains, even with no replica left', async () => {
        await bindReady();
        await registry.setDraining('gpu', true);
        await registry.unbind('gpu', 'r0');
        expect(await registry.pool('gpu')).toMatchObject({ draining: true, replicas: [] });
        await bindReady();
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        await registry.unbind('gpu', 'r0');
        await registry.setDraining('gpu', false);
        expect(await registry.pools()).toEqual([]);
      });

      it('can drain before it has a replica, and then gives nothing', async () => {
        await registry.restoreDraining('gpu');
        expect(changes).toEqual([{ poolId: 'gpu', kind: 'draining' }]);
        expect(await registry.pool('gpu')).toMatchObject({ draining: true, ready: false, replicas: [] });
        await bindReady();
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        await registry.setDraining('gpu', false);
        expect(await registry.pool('gpu')).toMatchObject({ ready: true, slotsFree: 2 });
      });

      it('is listed by id, with what its last purge did', async () => {
        for (const poolId of ['b', 'c', 'a']) await registry.bind(bindingOf({ poolId }));
        await registry.recordPurge('b', { steps: [] });
        expect((await registry.pools()).map(({ poolId }) => poolId)).toEqual(['a', 'b', 'c']);
        expect((await registry.pool('b'))?.lastPurge).toEqual({ steps: [] });
        expect((await registry.pool('a'))?.lastPurge).toBeUndefined();
      });
    });

    it('counts slots right whatever happens in whatever order', () => slotsStayRight(open));
  });
}
