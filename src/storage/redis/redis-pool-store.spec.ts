import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { binding, drain, poolStoreContract, reload } from '../../../test/contracts/pool-store.contract';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import type { ChangedPools } from '../../pools/registry/pool-store.port';
import type { NodeBeat } from './node-beat';
import { RedisPoolStore } from './redis-pool-store';

describeOverStore('over a store', server => {
  const stores: RedisPoolStore[] = [];
  afterEach(() => {
    for (const store of stores.splice(0)) store.onModuleDestroy();
  });

  function nodeOn({ store }: OpenStore): RedisPoolStore {
    const beat = async (): Promise<void> => undefined;
    const made = new RedisPoolStore(store, { nodeId: `node-${stores.length}`, beat } as NodeBeat);
    stores.push(made);
    return made;
  }

  poolStoreContract('redis, at two nodes', async () => {
    const opened = await openStore(server());
    return { store: nodeOn(opened), another: async () => nodeOn(await opened.another()) };
  });

  describe('of two nodes', () => {
    let a: RedisPoolStore;
    let b: RedisPoolStore;
    let opened: OpenStore;
    let second: OpenStore;
    beforeEach(async () => {
      opened = await openStore(server());
      second = await opened.another();
      [a, b] = [nodeOn(opened), nodeOn(second)];
      const { store } = opened;
      for (const name of ['node-0', 'node-1']) await store.call('ZADD', `${store.prefix}:nodes`, '9999999999999', name);
      await Promise.all([a.recovered(), b.recovered()]);
    });

    it('each hears what the other has changed, and who has bound what', async () => {
      const bound = firstValueFrom(b.changed$.pipe(filter(({ bindings }) => bindings.length === 1)));
      await a.saveBinding(binding('p'));
      expect((await bound).bindings).toEqual([binding('p', { isElsewhere: true })]);
      const drained = firstValueFrom(a.changed$.pipe(filter(({ drains }) => drains.length === 1)));
      await b.saveDrain(drain('p'));
      expect(await drained).toMatchObject({ bindings: [binding('p')], drains: [drain('p')] });
    });

    it('what one has kept and the other removed before it looked is gone at both (B-ND-004)', async () => {
      const looked = vi.spyOn(stores[1] as unknown as { look(): Promise<void> }, 'look');
      looked.mockResolvedValue(undefined);
      const seen = firstValueFrom(b.changed$);
      await b.saveBinding(binding('p'));
      await b.saveDrain(drain('p'));
      await a.removeBinding('p', 'r');
      await a.removeDrain('p');
      looked.mockRestore();
      const { bindings, drains, bindingsGone, drainsGone } = await seen;
      expect([bindings, drains]).toEqual([[], []]);
      expect([[...bindingsGone], [...drainsGone]]).toEqual([['p/r'], ['p']]);
    });

    it('of what one is writing nothing is told that may be older, and all once it is written', async () => {
      let goOn = (): void => undefined;
      const held = new Promise<void>(resolve => (goOn = resolve));
      const { store } = second;
      const write = store.runDurably.bind(store);
      vi.spyOn(store, 'runDurably').mockImplementationOnce(async (script, ...args) => {
        const reply = await write(script, ...args);
        await held;
        return reply;
      });
      const told: ChangedPools[] = [];
      b.changed$.subscribe(pools => told.push(pools));
      const saved = b.saveDrain(drain('p'));
      const other = firstValueFrom(b.changed$.pipe(filter(({ bindings }) => bindings.length === 1)));
      await a.saveBinding(binding('q'));
      await other;
      const removed = a.removeDrain('p');
      await removed;
      expect(told.flatMap(({ drains, drainsGone }) => [...drains, ...drainsGone])).toEqual([]);
      const gone = firstValueFrom(b.changed$.pipe(filter(({ drainsGone }) => drainsGone.size > 0)));
      goOn();
      await saved;
      expect([...(await gone).drainsGone]).toEqual(['p']);
    });

    it('what one renews is kept as it said, also where the other has removed or changed it meanwhile', async () => {
      const { store } = opened;
      const version = (): Promise<unknown> => store.call('GET', `${store.prefix}:pv`);
      const kept = async (): Promise<object> =>
        JSON.parse(String(await store.call('HGET', `${store.prefix}:bindings`, 'p/r'))) as object;
      await a.saveBinding(binding('p'));
      const before = await version();
      await a.renewBinding(binding('p'));
      expect(await version()).toBe(before);
      await b.saveBinding(binding('p', { slotsTotal: 2 }));
      await a.renewBinding(binding('p'));
      expect(await kept()).toEqual({ ...binding('p'), by: 'node-0' });
      await b.removeBinding('p', 'r');
      await a.renewBinding(binding('p'));
      expect(await kept()).toEqual({ ...binding('p'), by: 'node-0' });
    });

    it('what lapses at one is let be where the other has renewed it meanwhile', async () => {
      await a.saveBinding(binding('p', { ttlMs: 1000 }));
      await b.saveBinding(binding('p', { ttlMs: 1000 }));
      await a.removeBinding('p', 'r', true);
      const kept = (): Promise<unknown> => opened.store.call('HEXISTS', `${opened.store.prefix}:bindings`, 'p/r');
      expect(await kept()).toBe(1);
      await b.removeBinding('p', 'r', true);
      expect(await kept()).toBe(0);
      // Where that is no more, whoever sees that it is over.
      await b.saveBinding(binding('p'));
      await opened.store.call('ZREM', `${opened.store.prefix}:nodes`, 'node-1');
      await a.removeBinding('p', 'r', true);
      expect(await kept()).toBe(0);
      // Whoever asks for it is obeyed at any node.
      await b.saveBinding(binding('p'));
      await a.removeBinding('p', 'r');
      expect(await kept()).toBe(0);
    });

    it('what one has bound for a time is the other’s once that is no more (B-ND-027)', async () => {
      const { store } = opened;
      await a.saveBinding(binding('p', { ttlMs: 1000 }));
      await a.saveBinding(binding('for-good'));
      // With one of its next looks.
      const taken = firstValueFrom(
        b.changed$.pipe(filter(({ bindings }) => bindings.some(({ isElsewhere }) => isElsewhere !== true))),
      );
      await store.call('ZREM', `${store.prefix}:nodes`, 'node-0');
      const byPool = new Map((await taken).bindings.map(each => [each.poolId, each.isElsewhere === true]));
      expect([byPool.get('p'), byPool.get('for-good')]).toEqual([false, true]);
    });

    it('one begins no reload of a pool while the other is at it, and hears when that is over and what a purge came to', async () => {
      const purge = { ...reload('1', 'p'), operation: 'purge' } as const;
      const begun = firstValueFrom(b.changed$.pipe(filter(({ works }) => works.length === 1)));
      expect(await a.beginWork(purge)).toBeUndefined();
      expect((await begun).works).toEqual([purge]);
      expect(await b.beginWork(reload('2', 'p'))).toBe('purge');
      const over = firstValueFrom(b.changed$.pipe(filter(({ works }) => works.length === 0)));
      await a.endWork(purge, { poolId: 'p', report: '{"ended":3}' });
      expect((await over).purges).toEqual([{ poolId: 'p', report: '{"ended":3}' }]);
      expect(await b.beginWork(reload('3', 'p'))).toBeUndefined();
    });
  });
});
