import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, LAST_RESORT_MS } from '../../../test/support/deadline';
import { silentNarrator } from '../../../test/support/ledger';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import type { NodeBeat } from './node-beat';
import { NodePresence } from './node-presence';
import { RedisPoolStore } from './redis-pool-store';

describeOverStore('nodes of a store without memory', server => {
  let operator: OpenStore;
  const limit = (bytes: string) => operator.store.call('CONFIG', 'SET', 'maxmemory', bytes);

  beforeEach(async () => {
    operator = await openStore(server());
  });
  afterEach(() => limit('0'));

  it('are there', async () => {
    const { config, store } = operator;
    await limit('1');
    await new NodePresence(config, store, { nodeId: 'a' } as NodeBeat, silentNarrator).look();
    expect(await store.call('ZSCORE', `${store.prefix}:nodes`, 'a')).not.toBeNull();
  });

  it('hear of a purge that was begun before, and it comes to its end (B-ND-009)', async () => {
    const { store, another } = operator;
    for (const name of ['a', 'b']) await store.call('ZADD', `${store.prefix}:nodes`, '9999999999999', name);
    const beat = async (): Promise<void> => undefined;
    const a = new RedisPoolStore(store, { nodeId: 'a', beat } as NodeBeat);
    const b = new RedisPoolStore((await another()).store, { nodeId: 'b', beat } as NodeBeat);
    try {
      await Promise.all([a.recovered(), b.recovered()]);
      const purge = { id: '1', poolId: 'p', operation: 'purge', closes: true, endsAfterMs: 0 } as const;
      await a.beginWork(purge);
      await limit('1');
      const leaseEndsAtMs = async () => Number(await store.call('ZSCORE', `${store.prefix}:workLeases`, 'p'));
      const before = await leaseEndsAtMs();
      await eventually(leaseEndsAtMs, after => after > before);
      b.changed$.subscribe();
      b.tellAgain();
      expect(await a.heardByAll(purge, AbortSignal.timeout(LAST_RESORT_MS))).toBe(true);
      await a.endWork(purge, { poolId: 'p', report: '{}' });
      expect(await store.call('HGETALL', `${store.prefix}:purges`)).toEqual(['p', '{}']);
    } finally {
      for (const each of [a, b]) each.onModuleDestroy();
    }
  });
});
