import { expect, it } from 'vitest';
import { silentNarrator } from '../../../test/support/ledger';
import { describeOverStore, openStore } from '../../../test/support/redis-store';
import type { NodeBeat } from './node-beat';
import { NodePresence } from './node-presence';

const LEASE_MS = 60_000;

describeOverStore('nodes whose leases are long', server => {
  it('are there for as long as what they run may go on without a word of them (B-ND-009)', async () => {
    const { store, config } = await openStore(server(), { ORCHD_STORE_LEASE_MS: String(LEASE_MS) });
    const presence = new NodePresence(config, store, { nodeId: 'a' } as NodeBeat, silentNarrator);
    await presence.look();
    const [seconds] = (await store.call('TIME')) as readonly string[];
    const goneAtMs = Number(await store.call('ZSCORE', `${store.prefix}:nodes`, 'a'));
    expect(goneAtMs - Number(seconds) * 1000).toBeGreaterThan(LEASE_MS - 5000);
  });
});
