import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binding, drain, poolStoreContract, reload } from '../../../test/contracts/pool-store.contract';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import type { NodeBeat } from './node-beat';
import { RedisPoolStore } from './redis-pool-store';

describeOverStore('over a store', server => {
  const stores: RedisPoolStore[] = [];
  afterEach(() => {
    for (const store of stores.splice(0)) store.onModuleDestroy();
  });

  function nodeOn({ store }: OpenStore): RedisPoolStore {
    const made = new RedisPoolStore(store, { nodeId: `node-${stores.length}` } as NodeBeat);
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
    beforeEach(async () => {
      const opened = await openStore(server());
      [a, b] = [nodeOn(opened), nodeOn(await opened.another())];
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
