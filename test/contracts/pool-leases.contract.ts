import { beforeEach, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors/service-error';
import type { PoolChange, PoolRegistry } from '../../src/pools/registry/pool-registry.port';
import { gpuPool, reasonsOf } from './gpu-pool';
import { bindingOf, first, gone, PROBE_TIMEOUT_MS, ready, type PoolRegistryUnderTest } from './pool-samples';

/** What every driver of the PoolRegistry port keeps of slots and leases. */
export function poolLeasesContract(driver: string, open: () => Promise<PoolRegistryUnderTest>): void {
  describe(`PoolRegistry: ${driver}`, () => {
    const gpu = gpuPool(open);
    let registry: PoolRegistry;
    let changes: PoolChange[];

    beforeEach(() => ({ registry, changes } = gpu));

    const { acquire, bindReady, observe, observeOf, pass, replica } = gpu;

    describe('leases', () => {
      it('are as many as there are slots, and free their slot once', async () => {
        await bindReady(2);
        const [one, two] = [await acquire(), await acquire()];
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        expect(await replica()).toMatchObject({ slotsFree: 0, running: 2 });
        changes.length = 0;
        one.release();
        one.release();
        expect(changes).toEqual([{ poolId: 'gpu', replicaId: 'r0', kind: 'slot-freed' }]);
        expect(await replica()).toMatchObject({ slotsFree: 1, running: 1 });
        two.release();
        expect(await registry.pool('gpu')).toMatchObject({ slotsFree: 2, running: 0 });
      });

      it('say where they are', async () => {
        await bindReady(1);
        const { target, adapter, ...lease } = await acquire();
        expect(lease).toMatchObject({ poolId: 'gpu', replicaId: 'r0', engine: 'deterministic' });
        expect([target, adapter.engine]).toEqual([{ url: first, poolId: 'gpu', replicaId: 'r0' }, 'deterministic']);
      });

      it('are fewer where others use the engine too', async () => {
        await bindReady(4);
        const lease = await acquire();
        await observe(ready(4, 3));
        expect(await replica()).toMatchObject({ slotsFree: 1, running: 1 });
        lease.release();
        expect(await replica()).toMatchObject({ slotsFree: 2, running: 0 });
        // The first report may still have seen our own.
        await observe(ready(4, 1));
        await observe(ready(4, 1));
        expect(await replica()).toMatchObject({ slotsFree: 3, running: 0 });
      });

      it("are not counted twice where a report comes after they ended, or before the engine's slot is taken", async () => {
        await bindReady(4);
        const ended = [await acquire(), await acquire()];
        for (const lease of ended) lease.release();
        await observe(ready(4, 2));
        expect(await replica()).toMatchObject({ slotsFree: 4, running: 0 });
        await acquire();
        await observe(ready(4, 0));
        expect(await replica()).toMatchObject({ slotsFree: 3, running: 1 });
      });

      it('are revoked with a reason, which is also heard late and only once', async () => {
        await bindReady(2);
        const [one, two] = [await acquire(), await acquire()];
        const heard = reasonsOf(one);
        const reason = new ServiceError('POOL_DRAINED');
        expect(await registry.revoke('gpu', reason)).toBe(2);
        await registry.revoke('gpu', new ServiceError('WORKER_RESET'));
        expect(heard).toEqual([reason]);
        expect(reasonsOf(two)).toEqual([reason]);
        expect(await replica()).toMatchObject({ running: 2 });
      });

      it('can be released while they are being revoked', async () => {
        await bindReady(3);
        for (let n = 0; n < 3; n++) {
          const lease = await acquire();
          lease.revoked$.subscribe(() => lease.release());
        }
        expect(await registry.revoke('gpu', new ServiceError('POOL_DRAINED'))).toBe(3);
        expect(await replica()).toMatchObject({ running: 0, slotsFree: 3 });
      });
    });

    it('tells of the first lease on a replica whose engine was not asked for its slots', async () => {
      await bindReady(4);
      (await acquire()).release();
      await observe({ state: 'ready', slotsTotal: 4, slotsUnasked: true });
      changes.length = 0;
      await acquire();
      await acquire();
      expect(changes).toEqual([{ poolId: 'gpu', replicaId: 'r0', kind: 'woken' }]);
      await observe(ready(4, 4));
      expect(await replica()).toMatchObject({ slotsElsewhere: 2, slotsFree: 0 });
    });

    it('takes the word of the node that probes for what others have, where that has not asked', async () => {
      await bindReady(3);
      await observe(ready(3, 2));
      expect(await replica()).toMatchObject({ slotsElsewhere: 2, slotsFree: 1 });
      changes.length = 0;
      await observe({ state: 'ready', slotsTotal: 3, slotsUnasked: true, slotsElsewhere: 0 });
      expect(await replica()).toMatchObject({ slotsElsewhere: 0, slotsFree: 3 });
      expect(changes).toMatchObject([{ kind: 'health' }]);
      await observe({ state: 'ready', slotsTotal: 3, slotsUnasked: true, slotsElsewhere: 2 });
      expect(await replica()).toMatchObject({ slotsElsewhere: 0, slotsFree: 3 });
    });

    describe('an attempt that was broken off', () => {
      const broken = async (heard = 0): Promise<void> => {
        const lease = await acquire();
        Object.assign(lease, { heard, atWork: true });
        pass(1000);
        lease.release();
      };

      it('keeps its slot until the engine says that it is free (B-DP-207)', async () => {
        await bindReady(2);
        changes.length = 0;
        await broken();
        expect(changes.map(({ kind }) => kind)).toEqual(['slot-releasing']);
        expect(await replica()).toMatchObject({ running: 0, releasing: 1, slotsFree: 1 });
        expect(await registry.pool('gpu')).toMatchObject({ running: 0, releasing: 1, slotsFree: 1 });
        await acquire();
        expect(await registry.acquire('gpu', 'r0')).toBeUndefined();
        pass(1000);
        changes.length = 0;
        await observeOf(0, ready(2, 2));
        expect(await replica()).toMatchObject({ releasing: 1, slotsFree: 0, slotsElsewhere: 0 });
        await observeOf(0, ready(2, 1));
        expect(await replica()).toMatchObject({ releasing: 0, slotsFree: 1, slotsElsewhere: 0 });
        expect(changes.map(({ kind }) => kind)).toEqual(['slot-freed']);
      });

      it('is not judged by an answer to a question that was put before', async () => {
        await bindReady(2);
        await broken();
        pass(100);
        await observeOf(101, ready(2, 0));
        expect(await replica()).toMatchObject({ releasing: 1, slotsFree: 1 });
        await observeOf(99, ready(2, 0));
        expect(await replica()).toMatchObject({ releasing: 0, slotsFree: 2 });
      });

      it('is not taken for over while a new request may be on its way into the slot beside it', async () => {
        await bindReady(2);
        await broken();
        const next = await acquire();
        await observeOf(0, ready(2, 1));
        expect(await replica()).toMatchObject({ running: 1, releasing: 1, slotsFree: 0 });
        next.heard++;
        await observeOf(0, ready(2, 1));
        expect(await replica()).toMatchObject({ running: 1, releasing: 0, slotsFree: 1 });
      });

      it('is told from what others use', async () => {
        await bindReady(4);
        await observe(ready(4, 2));
        expect(await replica()).toMatchObject({ slotsElsewhere: 2, slotsFree: 2 });
        await broken();
        await observeOf(0, ready(4, 3));
        expect(await replica()).toMatchObject({ releasing: 1, slotsElsewhere: 2, slotsFree: 1 });
        await observeOf(0, ready(4, 2));
        expect(await replica()).toMatchObject({ releasing: 0, slotsElsewhere: 2, slotsFree: 2 });
      });

      it.each([
        ['came', 3],
        ['went', 1],
      ])('leaves the count right when another client %s meanwhile', async (_, busy) => {
        await bindReady(4);
        await observe(ready(4, 2));
        await broken();
        await observeOf(0, ready(4, busy));
        expect((await replica())?.slotsFree).toBe(4 - busy);
      });

      it('is waited for so long and no longer; an engine that still says busy is believed', async () => {
        await bindReady(2);
        await broken();
        pass(14_000);
        await observeOf(0, ready(2, 1));
        expect(await replica()).toMatchObject({ releasing: 1, slotsElsewhere: 0 });
        pass(1000);
        changes.length = 0;
        await observeOf(0, ready(2, 1));
        expect(await replica()).toMatchObject({ releasing: 0, slotsElsewhere: 1, slotsFree: 1 });
        await observeOf(0, ready(2, 0));
        expect(await replica()).toMatchObject({ slotsElsewhere: 0, slotsFree: 2 });
      });

      it('is waited for so long also where the engine is not asked for its slots, and they stand as it said last', async () => {
        await bindReady(3);
        await observe(ready(3, 1));
        await broken();
        const spared = { state: 'ready', slotsTotal: 3, slotsUnasked: true } as const;
        await observeOf(0, spared);
        expect(await replica()).toMatchObject({ releasing: 1, slotsElsewhere: 1, slotsFree: 1 });
        pass(15_000);
        await observeOf(0, spared);
        expect(await replica()).toMatchObject({ releasing: 0, slotsElsewhere: 1, slotsFree: 2 });
      });

      it('has let go at once where the engine does not tell of its slots', async () => {
        await registry.bind(bindingOf());
        await observe({ state: 'ready', slotsTotal: 2 });
        changes.length = 0;
        await broken();
        expect(await replica()).toMatchObject({ running: 0, releasing: 0, slotsFree: 2 });
        expect(changes.map(({ kind }) => kind)).toEqual(['slot-freed']);
        await observe(ready(2));
        await broken();
        await observeOf(0, { state: 'ready', slotsTotal: 2 });
        expect(await replica()).toMatchObject({ releasing: 0, slotsFree: 2 });
      });

      it('says whether the engine had sent anything of it', async () => {
        await bindReady(3);
        await broken(1);
        await broken(0);
        expect(await replica()).toMatchObject({ releasing: 2, releasingUnheard: 1 });
      });

      it('ends once, however often it is said', async () => {
        await bindReady(2);
        const lease = await acquire();
        lease.atWork = true;
        lease.release();
        lease.atWork = false;
        lease.release();
        expect(await replica()).toMatchObject({ running: 0, releasing: 1, slotsFree: 1 });
      });

      it('does not keep a replica that is leaving', async () => {
        await bindReady(2);
        const lease = await acquire();
        lease.atWork = true;
        await registry.unbind('gpu', 'r0');
        lease.release();
        expect(await registry.pools()).toEqual([]);
      });
    });

    describe('a dead replica', () => {
      it('gives up its leases once nothing was heard on them for as long as a probe may take (B-DP-119)', async () => {
        await bindReady();
        const reasons = reasonsOf(await acquire());
        await observe(gone);
        expect(reasons).toEqual([]);
        pass(PROBE_TIMEOUT_MS);
        changes.length = 0;
        await observe(gone);
        expect(reasons).toMatchObject([{ code: 'WORKER_RESET', details: { engine: 'deterministic' } }]);
        expect(reasons[0]?.message).toContain(gone.reason);
        expect(changes.map(({ kind }) => kind)).toEqual(['health']);
      });

      it('is known to be dead to those whose lease it gives up', async () => {
        await bindReady();
        const lease = await acquire();
        const seen: unknown[] = [];
        lease.revoked$.subscribe(() => {
          seen.push(replica().then(view => view?.live));
          lease.release();
        });
        pass(PROBE_TIMEOUT_MS);
        for (let n = 0; n < 2; n++) await observe(gone);
        expect(await Promise.all(seen)).toEqual([false]);
        expect(await replica()).toMatchObject({ running: 0, slotsFree: 0 });
      });

      it('keeps a lease that is heard, until it falls silent', async () => {
        await bindReady();
        const [spoken, silent] = [await acquire(), await acquire()];
        const [reasons, others] = [reasonsOf(spoken), reasonsOf(silent)];
        for (let n = 0; n < 3; n++) {
          spoken.heard++;
          pass(PROBE_TIMEOUT_MS);
          await observe(gone);
        }
        expect([reasons.length, others.length]).toEqual([0, 1]);
        pass(PROBE_TIMEOUT_MS - 100);
        await observe(gone);
        expect(reasons).toEqual([]);
        pass(100);
        await observe(gone);
        expect(reasons).toHaveLength(1);
      });

      it('keeps a lease that is young: it fails by itself where nobody is there', async () => {
        await bindReady();
        await observe(gone);
        const reasons = reasonsOf(await acquire());
        await observe(gone);
        expect(reasons).toEqual([]);
      });

      it('is not one that loads, or that answers again', async () => {
        await bindReady();
        const reasons = reasonsOf(await acquire());
        for (const probe of [gone, { state: 'loading' }, gone, ready()] as const) {
          pass(PROBE_TIMEOUT_MS);
          await observe(probe);
        }
        expect(reasons).toEqual([]);
      });

      it('gives up what it still runs also while it is leaving, and is gone then', async () => {
        await bindReady();
        const lease = await acquire();
        lease.revoked$.subscribe(() => lease.release());
        await registry.unbind('gpu', 'r0');
        pass(PROBE_TIMEOUT_MS);
        for (let n = 0; n < 2; n++) await observe(gone);
        expect(await registry.pools()).toEqual([]);
      });
    });
  });
}
