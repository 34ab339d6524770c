import { EMPTY } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { silentNarrator } from '../../../test/support/ledger';
import type { KeptBinding, PoolStore } from '../registry/pool-store.port';
import type { PoolRegistry } from '../registry/pool-registry.port';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { KeptBindings } from './kept-bindings';

const binding = (poolId: string): KeptBinding => ({
  ...{ poolId, replicaId: 'r', engine: 'llamacpp', url: 'http://127.0.0.1:1', source: 'handoff' },
});

describe('KeptBindings', () => {
  it('forgets what another node keeps no more, and nothing else', async () => {
    const bound = new Set(['new']);
    const removed: string[] = [];
    const registry = {
      poolChanges$: EMPTY,
      pools: async () => [],
      replica: async (poolId: string) => (bound.has(poolId) ? binding(poolId) : undefined),
    } as unknown as PoolRegistry;
    const store = {
      saveBinding: async () => undefined,
      removeBinding: async (poolId: string) => void removed.push(poolId),
    } as unknown as PoolStore;
    const kept = new KeptBindings(registry, store, new Alarms(new Clock()), silentNarrator);
    await kept.begin([binding('old')]);
    await kept.keep('new', 'r');
    // As it was before that.
    kept.learn('old', 'r', binding('old'));
    kept.learn('old', 'r', undefined);
    bound.delete('new');
    for (const poolId of ['old', 'new']) await kept.keep(poolId, 'r');
    expect(removed).toEqual(['new']);
  });
});
