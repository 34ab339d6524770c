import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { loadConfig, type Config } from '../../src/config/config';
import { RedisStore } from '../../src/storage/redis/connection/redis-store';
import { silentNarrator } from './ledger';
import { hasRedisServer, startRedis, type RedisServer } from './redis-server';

let deployments = 0;

export interface OpenStore {
  readonly store: RedisStore;
  readonly config: Config;
  /** Another node's connection to the same keys. */
  readonly another: () => Promise<OpenStore>;
}

const open: RedisStore[] = [];

/** A connection to keys of its own. */
export async function openStore(
  server: RedisServer,
  env: Readonly<Record<string, string>> = {},
  deployment = `s${++deployments}`,
): Promise<OpenStore> {
  const { config } = loadConfig({
    ORCHD_STORE: server.url,
    ORCHD_STORE_DEPLOYMENT: deployment,
    ORCHD_STORE_DURABILITY: 'memory',
    ...env,
  });
  const store = new RedisStore(config, silentNarrator);
  await store.open();
  open.push(store);
  return { store, config, another: () => openStore(server, env, deployment) };
}

/** For the end of a test. */
export async function closeStores(): Promise<void> {
  await Promise.all(open.splice(0).map(store => store.close()));
}

/** Tests over a redis-server of their own, whose connections are closed after each; skipped, by name, where there is none. */
export function describeOverStore(name: string, tests: (server: () => RedisServer) => void): void {
  describe.skipIf(!hasRedisServer())(name, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis();
    });
    afterAll(() => server.stop());
    afterEach(closeStores);
    tests(() => server);
  });
}
