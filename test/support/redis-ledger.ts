import { vi } from 'vitest';
import { prelude } from '../../src/storage/redis/connection/prelude';
import { RedisStore } from '../../src/storage/redis/connection/redis-store';
import { CutSlots } from '../../src/storage/redis/cut-slots';
import { EventWriter } from '../../src/storage/redis/event-writer';
import { HeldTasks } from '../../src/storage/redis/held-tasks';
import { NodeBeat } from '../../src/storage/redis/node-beat';
import { RedisLedger } from '../../src/storage/redis/redis-ledger';
import { RedisPoolStore } from '../../src/storage/redis/redis-pool-store';
import { RedisRecords } from '../../src/storage/redis/redis-records';
import { RedisSessions } from '../../src/storage/redis/redis-sessions';
import { StoreEndings } from '../../src/storage/redis/store-endings';
import { StoreReach } from '../../src/storage/redis/store-reach';
import { StoreTasks } from '../../src/storage/redis/store-tasks';
import type { LedgerSettings, LedgerUnderTest } from '../contracts/task-ledger/ledger-use';
import { silentNarrator, testPools, testTime } from './ledger';
import type { RedisServer } from './redis-server';

/** Longer ones would be longer than a lease is held without being renewed. */
const STEP_MS = 2000;

let deployments = 0;

/** A time that a test moves: the server's own, and what was added to it. */
prelude.clock = `local function now() return 1000000 + tonumber(call('GET', P .. 'clock') or 0) end`;

/** Goes on though the server has no memory: it lets through what begins by taking away. */
async function passTime(store: RedisStore, ms: number): Promise<void> {
  const script = `redis.call('DEL', KEYS[1] .. 'none') return redis.call('INCRBYFLOAT', KEYS[1], ARGV[1])`;
  await store.call('EVAL', script, '1', `${store.prefix}:clock`, String(ms));
}

export interface NodeUnderTest extends LedgerUnderTest {
  /** Another node on the same store. */
  another(): Promise<NodeUnderTest>;
  /** It renews nothing any more, as a process that was stopped. */
  freeze(): void;
  /** It reloads that pool from now on, of which no other node hears; that lapses. */
  reload(poolId: string): Promise<void>;
  /** What the engine says of its slots. */
  tell(name: string, slots: number, busy: number): Promise<void>;
}

/** A node on a store of its own, or on one where another is. */
export async function redisLedger(
  server: RedisServer,
  settings: LedgerSettings,
  deployment = `d${++deployments}`,
  startMs = 1_000_000,
): Promise<NodeUnderTest> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: startMs });
  const env = { ORCHD_STORE: server.url, ORCHD_STORE_DEPLOYMENT: deployment, ORCHD_STORE_DURABILITY: 'memory' };
  const { config, clock, alarms, runningTime } = testTime(settings, env);
  const { registry, placement, pools } = testPools(config, clock, alarms);
  const store = new RedisStore(config, silentNarrator);
  await store.open();
  const held = new HeldTasks();
  const node = new NodeBeat(config, store, held, registry, clock, runningTime, new StoreReach(store, clock));
  const tasks = new StoreTasks(config, store, held, node, clock, alarms);
  const cuts = new CutSlots(store, registry);
  cuts.onModuleInit();
  const sessions = new RedisSessions(config, store);
  const endings = new StoreEndings(config, store, held, tasks, cuts, node, clock, runningTime, alarms);
  const ledger = new RedisLedger(
    config,
    placement,
    registry,
    store,
    held,
    tasks,
    node,
    new EventWriter(store, held),
    cuts,
    clock,
    sessions,
    endings,
  );
  const storeElsewhere = new RedisStore(config, silentNarrator);
  await storeElsewhere.open();
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    ledger.onModuleDestroy();
    cuts.onModuleDestroy();
    await Promise.all([store.close(), storeElsewhere.close()]);
    alarms.onModuleDestroy();
    vi.useRealTimers();
  };
  return {
    ledger,
    records: new RedisRecords(store),
    recordsElsewhere: new RedisRecords(storeElsewhere),
    ...pools,
    sessions,
    session: sessionId => sessions.open(sessionId),
    advance: async ms => {
      for (let left = ms; left > 0; left -= STEP_MS) {
        const step = Math.min(left, STEP_MS);
        await passTime(store, step);
        await vi.advanceTimersByTimeAsync(step);
        await node.beat();
      }
      await node.beat();
    },
    reopen: async () => {
      const nowMs = Date.now() + 20_000;
      await passTime(store, 20_000);
      await close();
      return redisLedger(server, settings, deployment, nowMs);
    },
    another: () => redisLedger(server, settings, deployment, Date.now()),
    freeze: () => node.stop(),
    reload: async poolId => {
      await new RedisPoolStore(store, node).beginWork({ id: '1', poolId, operation: 'reload', closes: true });
    },
    tell: (name, slotsTotal, slotsBusy) => {
      const [poolId = '', replicaId = ''] = name.split('/');
      return registry.observe(poolId, replicaId, {
        state: 'ready',
        slotsTotal,
        slotsBusy,
        supportedWorkloads: ['completion'],
      });
    },
    close,
  };
}
