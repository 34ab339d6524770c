import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { completed, submissionOf } from '../../../test/contracts/task-ledger/ledger-use';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { silentNarrator } from '../../../test/support/ledger';
import { redisLedger } from '../../../test/support/redis-ledger';
import { command } from '../../../test/support/redis-sentinels';
import { hasRedisServer, startRedis, type RedisServer } from '../../../test/support/redis-server';
import { closeStores, openStore, type OpenStore } from '../../../test/support/redis-store';
import type { ModelEntry } from '../../catalog/model-catalog.port';
import { layout } from './connection/store-layout';
import type { NodeBeat } from './node-beat';
import { NodePresence } from './node-presence';
import { RedisCatalog } from './redis-catalog';

describe.skipIf(!hasRedisServer())('several nodes of one deployment', () => {
  let server: RedisServer;
  const present: NodePresence[] = [];

  const join = (on: OpenStore, name: string) => {
    const told: string[] = [];
    const narrator = Object.assign(Object.create(silentNarrator) as typeof silentNarrator, {
      warn: (human: string) => void told.push(human),
    });
    const presence = new NodePresence(on.config, on.store, { nodeId: name } as NodeBeat, narrator);
    const stop = vi.spyOn(presence, 'stop').mockImplementation(() => undefined);
    presence.onModuleInit();
    present.push(presence);
    return { ...on, presence, told, stop };
  };

  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    layout.steps = [];
    for (const presence of present.splice(0)) await presence.onModuleDestroy();
    await closeStores();
  });
  afterAll(() => server.stop());

  it('go by the settings of the one that started last, and say which are not as they are set (B-ND-022)', async () => {
    const env = { ORCHD_ADMISSION_CAPACITY: '4', ORCHD_SESSION_TOKENS_BUDGET: '100' };
    const a = join(await openStore(server, env, 'settings'), 'a');
    await a.presence.look();
    expect(a.told).toEqual([]);
    const b = join(await openStore(server, { ...env, ORCHD_ADMISSION_CAPACITY: '9' }, 'settings'), 'b');
    await b.presence.look();
    expect(b.told).toEqual([
      'ORCHD_ADMISSION_CAPACITY was 4 at the other nodes, and is 9 at all from now on, as it is set here.',
    ]);
    await expect.poll(() => a.config.admissionCapacity, { timeout: LAST_RESORT_MS }).toBe(9);
    expect(a.told).toEqual([
      'ORCHD_ADMISSION_CAPACITY is 9 from now on, as at the node that started last; here it is set to 4.',
    ]);
    await a.presence.look();
    expect([b.config.admissionCapacity, b.config.sessionTokensBudget]).toEqual([9, 100]);
    const again = join(await openStore(server, env, 'settings'), 'a2');
    await again.presence.look();
    await b.presence.look();
    expect([b.config.admissionCapacity, again.config.admissionCapacity]).toEqual([4, 4]);
  });

  it('let settings be that only another version knows', async () => {
    const a = join(await openStore(server, {}, 'newer-settings'), 'a');
    await a.presence.look();
    await command(server.port, ['HSET', '{newer-settings}:settings', 'ORCHD_OF_TOMORROW', '1']);
    const b = join(await openStore(server, { ORCHD_ADMISSION_CAPACITY: '9' }, 'newer-settings'), 'b');
    await b.presence.look();
    await expect(command(server.port, ['HGET', '{newer-settings}:settings', 'ORCHD_OF_TOMORROW'])).resolves.toBe('1');
  });

  it('that are too old stop in order when the keys are raised, and do not start again (B-ND-023)', async () => {
    const old = join(await openStore(server, {}, 'raised'), 'old');
    await old.presence.look();
    layout.steps = [{ text: "call('SET', P .. 'raised', 'yes')", bearsOlder: true }];
    const [young, other] = [await old.another(), await old.another()];
    expect(await young.store.call('GET', '{raised}:raised')).toBe('yes');
    expect(other.store.isUp).toBe(true);
    layout.steps = [];
    await expect.poll(() => old.stop.mock.calls.length, { timeout: LAST_RESORT_MS }).toBe(1);
    expect(old.told.at(-1)).toContain('version 2 now, and this node knows version 1: it is too old');
    await expect(old.another()).rejects.toThrow(/version 2, and this node knows version 1: it is too old/);
  });

  it('are named where they would have to be stopped before the keys are raised', async () => {
    const old = join(await openStore(server, {}, 'harmful'), 'old-node');
    await old.presence.look();
    layout.steps = [{ text: '', bearsOlder: false }];
    await expect(old.another()).rejects.toThrow(
      /from version 1 to 2, which its nodes old-node do not bear: stop them first/,
    );
    await old.presence.onModuleDestroy();
    expect((await old.another()).store.isUp).toBe(true);
  });

  it('leave fields as they are that only a newer one knows', async () => {
    const node = await redisLedger(server, {}, 'fields');
    const key = (name: string): string => `{fields}:${name}`;
    try {
      await node.ledger.adopt();
      await node.bind('p/r', 1);
      const spec = { sessionId: 's', ownSession: false };
      await node.ledger.admit(submissionOf('first', spec));
      await node.ledger.admit(submissionOf('second', spec));
      for (const name of ['t:second', 's:s']) await command(server.port, ['HSET', key(name), 'of-tomorrow', 'kept']);
      const claims = [];
      for (let claim = await node.ledger.claim(); claim; claim = await node.ledger.claim()) claims.push(claim);
      expect(claims.length).toBeGreaterThanOrEqual(0);
      for (const taskId of ['first', 'second']) {
        const outcome = await node.ledger.cancel(taskId, completed);
        if (!outcome || !('ending' in outcome)) continue;
        await outcome.record(undefined);
        outcome.concluded();
      }
      await node.advance(100);
    } finally {
      await node.close();
    }
    for (const name of ['t:second', 's:s'])
      await expect(command(server.port, ['HGET', key(name), 'of-tomorrow'])).resolves.toBe('kept');
    await expect(command(server.port, ['HGET', key('t:second'), 'st'])).resolves.toBe('x');
    const { store } = await openStore(server, {}, 'fields');
    const catalog = new RedisCatalog(store);
    const model = { id: 'm', state: 'Active', tags: [], ofTomorrow: 'kept' } as unknown as ModelEntry;
    await catalog.create(model);
    await catalog.update('m', entry => ({ ...entry, tags: ['a'] }));
    expect(await catalog.find('m')).toMatchObject({ tags: ['a'], ofTomorrow: 'kept' });
  });
});
