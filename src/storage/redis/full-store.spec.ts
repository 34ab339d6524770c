import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { completed, submissionOf } from '../../../test/contracts/task-ledger/ledger-use';
import { redisLedger, type NodeUnderTest } from '../../../test/support/redis-ledger';
import { hasRedisServer, startRedis, type RedisServer } from '../../../test/support/redis-server';
import { closeStores, openStore, type OpenStore } from '../../../test/support/redis-store';
import type { Claim } from '../../tasks/ledger/task-ledger.port';

/** Longer than a lease is held without being renewed. */
const LONG_MS = 30_000;

describe.skipIf(!hasRedisServer())('a store without memory', () => {
  let server: RedisServer;
  let node: NodeUnderTest;
  let operator: OpenStore;
  let claim: Claim;

  const limit = (bytes: string) => operator.store.call('CONFIG', 'SET', 'maxmemory', bytes);

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    operator = await openStore(server);
    node = await redisLedger(server, {});
    await node.ledger.adopt();
    await node.bind('p/r', 1);
    const outcome = await node.ledger.admit(submissionOf('runs', { sessionId: 's', ownSession: false }));
    if (outcome.kind !== 'admitted' || !outcome.claim) throw new Error('it has not begun');
    ({ claim } = outcome);
    await limit('1');
  });
  afterEach(async () => {
    await limit('0');
    await node.close();
    await closeStores();
  });
  afterAll(() => server.stop());

  it('takes no task from the node that runs it', async () => {
    let lost = 0;
    claim.onLost = () => lost++;
    await node.advance(LONG_MS);
    expect([lost, claim.isHeld]).toEqual([0, true]);
  });

  it('admits nothing, says so, and lets what runs come to its end', async () => {
    await expect(node.ledger.admit(submissionOf('more'))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    const ended = await node.ledger.end(claim, completed);
    await ended?.record(undefined);
    ended?.concluded();
    expect(await node.records.find('runs')).toMatchObject({ state: 'completed' });
    expect(await node.records.expire(Number.MAX_SAFE_INTEGER, 10)).toBe(1);
  });
});
