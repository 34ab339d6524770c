import fc from 'fast-check';
import { expect } from 'vitest';
import { ServiceError } from '../../src/errors/service-error';
import type { Lease } from '../../src/pools/registry/pool';
import type { PoolRegistry } from '../../src/pools/registry/pool-registry.port';
import { bindingOf, first, gone, ready, second, type PoolRegistryUnderTest } from './pool-samples';

const poolIds = ['p', 'q'];

const step = fc.record({
  what: fc.constantFrom(
    ...([
      'acquire',
      'acquire',
      'acquire',
      'release',
      'release',
      'abandon',
      'ready',
      'ready',
      'loading',
      'gone',
      'gone',
    ] as const),
    ...(['bind', 'bind', 'unbind', 'drain', 'undrain', 'reloading', 'reloaded', 'revoke'] as const),
  ),
  poolId: fc.constantFrom(...poolIds),
  replicaId: fc.constantFrom('r0', 'r1'),
  url: fc.constantFrom(first, second, null),
  slots: fc.nat({ max: 4 }),
  busy: fc.nat({ max: 6 }),
  pick: fc.nat(),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Bindings, health, leases and their ends in any order: no slot is ever given twice, lost, or counted wrong. */
export async function slotsStayRight(open: () => Promise<PoolRegistryUnderTest>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const { registry, dispose } = await open();
      const held: Lease[] = [];
      for (const each of steps) {
        await take(registry, held, each);
        await assertCounts(registry, held);
      }
      for (const lease of held.splice(0)) lease.release();
      await assertCounts(registry, held);
      const left = (await registry.pools()).flatMap(({ replicas }) => replicas);
      expect(left.filter(({ leaving, running }) => leaving || running > 0)).toEqual([]);
      await dispose();
    }),
    { numRuns: 300 },
  );
}

async function take(registry: PoolRegistry, held: Lease[], each: Step): Promise<void> {
  const { what, poolId, replicaId, url, slots, busy, pick } = each;
  switch (what) {
    case 'acquire': {
      const replica = await registry.replica(poolId, replicaId);
      const pool = await registry.pool(poolId);
      const lease = await registry.acquire(poolId, replicaId);
      expect(lease !== undefined).toBe(pool?.ready === true && (replica?.slotsFree ?? 0) > 0);
      if (!lease) return;
      expect(replica).toMatchObject({ ready: true, live: true, leaving: false });
      expect(replica?.running).toBeLessThan(replica?.slotsTotal ?? 0);
      held.push(lease);
      return;
    }
    case 'release': {
      const [lease] = held.splice(held.length === 0 ? 0 : pick % held.length, 1);
      lease?.release();
      if (pick % 2 === 0) lease?.release();
      return;
    }
    case 'abandon': {
      const [lease] = held.splice(held.length === 0 ? 0 : pick % held.length, 1);
      if (lease) lease.atWork = true;
      lease?.release();
      return;
    }
    case 'bind':
      await registry.bind(bindingOf({ poolId, replicaId, url }));
      return;
    case 'unbind':
      await registry.unbind(poolId, replicaId);
      return;
    case 'drain':
    case 'undrain':
      await registry.setDraining(poolId, what === 'drain');
      return;
    case 'reloading':
    case 'reloaded':
      await registry.setReloading(poolId, what === 'reloading');
      return;
    case 'revoke':
      await registry.revoke(poolId, new ServiceError('POOL_DRAINED'));
      return;
    case 'ready':
      await registry.observe(poolId, replicaId, ready(slots, busy));
      return;
    case 'loading':
    case 'gone':
      await registry.observe(poolId, replicaId, what === 'gone' ? gone : { state: 'loading' });
  }
}

async function assertCounts(registry: PoolRegistry, held: readonly Lease[]): Promise<void> {
  const pools = await registry.pools();
  for (const view of pools.flatMap(pool => [pool, ...pool.replicas])) {
    expect(view.slotsFree).toBeGreaterThanOrEqual(0);
    const left = view.slotsTotal - view.running - view.releasing;
    expect(view.slotsFree).toBeLessThanOrEqual('replicas' in view ? view.slotsTotal : Math.max(0, left));
  }
  for (const poolId of poolIds) {
    const running = pools.find(pool => pool.poolId === poolId)?.running ?? 0;
    expect(running).toBe(held.filter(lease => lease.poolId === poolId).length);
  }
}
