import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { binding, drain, poolStoreContract, reload } from '../../../test/contracts/pool-store.contract';
import { eventually } from '../../../test/support/deadline';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { ServiceError } from '../../errors/service-error';
import type { ChangedPools, PoolWork } from '../../pools/registry/pool-store.port';
import type { NodeBeat } from './node-beat';
import { RedisPoolStore } from './redis-pool-store';
import { heardByAllScript, hearWorksScript, lookAtPoolsScript } from './scripts/pool-scripts';

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

  /** From now on hints alone make them look. */
  function stopTicks(...of: readonly RedisPoolStore[]): void {
    for (const each of of) clearInterval((each as unknown as { ticker: NodeJS.Timeout }).ticker);
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

    const byForce = { operation: 'purge', closes: false, endsAfterMs: 0 } as const;

    it('what a purge came to that lapsed is not told in place of a later one’s', async () => {
      const { store } = opened;
      const [first, second] = ['1', '2'].map(id => ({ ...reload(id, 'p'), ...byForce })) as [PoolWork, PoolWork];
      await a.beginWork(first);
      await store.call('DEL', `${store.prefix}:works`);
      await b.beginWork(second);
      await b.endWork(second, { poolId: 'p', report: '{"second":1}' });
      await a.endWork(first, { poolId: 'p', report: '{"first":1}' });
      expect(await store.call('HGETALL', `${store.prefix}:purges`)).toEqual(['p', '{"second":1}']);
    });

    it('what a purge came to is told where the store has lost that it was begun, and knows of one before', async () => {
      const { store } = opened;
      const [before, purge] = ['1', '2'].map(id => ({ ...reload(id, 'p'), ...byForce })) as [PoolWork, PoolWork];
      await a.beginWork(before);
      await a.endWork(before, { poolId: 'p', report: '{"before":1}' });
      const lastPurges = `${store.prefix}:lastPurges`;
      const known = String(await store.call('HGET', lastPurges, 'p'));
      await b.beginWork(purge);
      await store.call('HSET', lastPurges, 'p', known);
      await b.endWork(purge, { poolId: 'p', report: '{"it":1}' });
      expect(await store.call('HGETALL', `${store.prefix}:purges`)).toEqual(['p', '{"it":1}']);
    });

    describe('a work that ends what others run', () => {
      const purge: PoolWork = { ...reload('1', 'p'), ...byForce };
      const never = new AbortController().signal;

      it('is heard by all once the other has been told, and that is known by a hint (B-ND-009)', async () => {
        await a.beginWork(purge);
        expect(await opened.store.run(heardByAllScript, 'node-0', '1')).toBe(0);
        expect(await a.heardByAll(purge, AbortSignal.abort())).toBe(false);
        stopTicks(a, b);
        const heard = a.heardByAll(purge, never);
        const told = firstValueFrom(b.changed$.pipe(filter(({ works }) => works.length === 1)));
        b.tellAgain();
        expect(await heard).toBe(true);
        expect((await told).works).toEqual([purge]);
        await a.endWork(purge);
        expect(await opened.store.call('KEYS', `${opened.store.prefix}:heard:*`)).toEqual([]);
      });

      it('is told again where it could not be said that it was heard (B-ND-009)', async () => {
        const { store } = second;
        const run = store.run.bind(store);
        let fails = true;
        vi.spyOn(store, 'run').mockImplementation(async (script, ...args) => {
          if (script !== hearWorksScript || !fails) return run(script, ...args);
          fails = false;
          throw new ServiceError('STORAGE_UNAVAILABLE');
        });
        const works: string[][] = [];
        b.changed$.subscribe(told => works.push(told.works.map(({ id }) => id)));
        await a.beginWork(purge);
        expect(await a.heardByAll(purge, never)).toBe(true);
        expect(works.filter(ids => ids.length > 0)).toEqual([['1'], ['1']]);
      });

      it('is not waited for at a node that is no more (B-ND-009)', async () => {
        await a.beginWork(purge);
        const heard = a.heardByAll(purge, never);
        await opened.store.call('ZREM', `${opened.store.prefix}:nodes`, 'node-1');
        expect(await heard).toBe(true);
      });
    });

    it('a hint that comes while a look is under way is followed by another look', async () => {
      const { store } = second;
      const run = store.run.bind(store);
      let goOn = (): void => undefined;
      const held = new Promise<void>(resolve => (goOn = resolve));
      let looks = 0;
      const looking = new Promise<void>(begun => {
        vi.spyOn(store, 'run').mockImplementation(async (script, ...args) => {
          const reply = await run(script, ...args);
          if (script !== lookAtPoolsScript || ++looks > 1) return reply;
          begun();
          await held;
          return reply;
        });
      });
      const bound = firstValueFrom(b.changed$.pipe(filter(({ bindings }) => bindings.length === 1)));
      const hints: string[] = [];
      store.listen('pools', () => hints.push(''));
      // With its next look of its own.
      await looking;
      stopTicks(b);
      await a.saveBinding(binding('p'));
      await eventually(
        () => Promise.resolve(hints.length),
        count => count > 0,
      );
      goOn();
      await bound;
    });
  });
});
