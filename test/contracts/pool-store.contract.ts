import { beforeEach, describe, expect, it } from 'vitest';
import type { KeptBinding, KeptDrain, PoolStore, PoolWork } from '../../src/pools/registry/pool-store.port';

export interface PoolStoreSetup {
  readonly store: PoolStore;
  /** Another process on the same store: after this one is no more, or, of a store that has several, beside it. */
  another(): Promise<PoolStore>;
}

export const binding = (poolId: string, more: Partial<KeptBinding> = {}): KeptBinding => ({
  poolId,
  replicaId: 'r',
  engine: 'llamacpp',
  url: `http://${poolId}:8080`,
  source: 'worker',
  ...more,
});
export const drain = (poolId: string, deadlineMs = 1000): KeptDrain => ({
  poolId,
  deadlineMs,
  deadlineAtMs: 5_000 + deadlineMs,
});
export const reload = (id: string, poolId: string): PoolWork => ({ id, poolId, operation: 'reload', closes: true });

/** What every driver of the PoolStore port keeps. */
export function poolStoreContract(name: string, setUp: () => Promise<PoolStoreSetup>): void {
  describe(`PoolStore: ${name}`, () => {
    let test: PoolStoreSetup;
    let store: PoolStore;
    beforeEach(async () => {
      test = await setUp();
      ({ store } = test);
      await store.recovered();
    });

    async function kept(): Promise<{ bindings: KeptBinding[]; drains: readonly KeptDrain[]; hadEngine: boolean }> {
      const { bindings, drains, hadEngine } = await (await test.another()).recovered();
      const byPool = (a: { poolId: string }, b: { poolId: string }): number => a.poolId.localeCompare(b.poolId);
      // Who may take a binding away is asked of the nodes' own tests.
      const plain = bindings.map(({ isElsewhere: _, ...each }) => each);
      return { bindings: plain.sort(byPool), drains: [...drains].sort(byPool), hadEngine };
    }

    it('has nothing at first', async () => {
      expect(await store.recovered()).toMatchObject({ bindings: [], drains: [], hadEngine: false });
      expect(await kept()).toEqual({ bindings: [], drains: [], hadEngine: false });
    });

    it('keeps each binding as it was saved last, with all that it says', async () => {
      const whole = binding('b', {
        ttlMs: 30_000,
        apiKeyFile: '/run/key',
        slotsTotal: 4,
        engine: 'vllm',
        source: 'handoff:x',
      });
      await store.saveBinding(binding('a'));
      await store.saveBinding(binding('b'));
      await store.saveBinding(whole);
      expect((await kept()).bindings).toEqual([binding('a'), whole]);
    });

    it('keeps replicas of one pool apart, and forgets the one that is taken away', async () => {
      await store.saveBinding(binding('a'));
      await store.saveBinding(binding('a', { replicaId: 'other', url: 'http://other:1' }));
      await store.removeBinding('a', 'r');
      await store.removeBinding('a', 'never');
      expect((await kept()).bindings).toEqual([binding('a', { replicaId: 'other', url: 'http://other:1' })]);
    });

    it('keeps a drain until it is taken back, with the deadline that it had last', async () => {
      await store.saveDrain(drain('a'));
      await store.saveDrain(drain('b'));
      await store.saveDrain(drain('b', 2000));
      await store.removeDrain('a');
      await store.removeDrain('never');
      expect((await kept()).drains).toEqual([drain('b', 2000)]);
    });

    it('tells when all other nodes have heard of a work, at once where there are none', async () => {
      const purge: PoolWork = { ...reload('1', 'a'), operation: 'purge', endsAfterMs: 0 };
      expect(await store.beginWork(purge)).toBeUndefined();
      expect(await store.heardByAll(purge, new AbortController().signal)).toBe(true);
    });

    it('makes writes durable in the order of their calls', async () => {
      await Promise.all([
        store.saveBinding(binding('a')),
        store.removeBinding('a', 'r'),
        store.saveBinding(binding('b')),
      ]);
      expect((await kept()).bindings).toEqual([binding('b')]);
    });

    it('knows for good that there was an engine', async () => {
      await store.saveEngineSeen();
      await store.saveBinding(binding('a'));
      await store.removeBinding('a', 'r');
      expect(await kept()).toMatchObject({ bindings: [], hadEngine: true });
    });

    it('lets one reload or purge of a pool begin at a time, and of other pools meanwhile', async () => {
      expect(await store.beginWork(reload('1', 'a'))).toBeUndefined();
      expect(await store.beginWork({ ...reload('2', 'a'), operation: 'purge' })).toBe('reload');
      expect(await store.beginWork(reload('3', 'b'))).toBeUndefined();
      await store.endWork(reload('1', 'a'));
      expect(await store.beginWork({ ...reload('4', 'a'), operation: 'purge' })).toBeUndefined();
    });
  });
}
