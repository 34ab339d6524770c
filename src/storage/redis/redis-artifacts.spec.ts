import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { artifactStoreContract } from '../../../test/contracts/artifact-store.contract';
import { modelCatalogContract } from '../../../test/contracts/model-catalog.contract';
import { hasRedisServer, startRedis, type RedisServer } from '../../../test/support/redis-server';
import { closeStores, openStore, type OpenStore } from '../../../test/support/redis-store';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { RedisArtifacts } from './redis-artifacts';
import { RedisCatalog } from './redis-catalog';

const MAX_BYTES = 1024 * 1024;

describe.skipIf(!hasRedisServer())('over a store', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(closeStores);

  artifactStoreContract('RedisArtifacts', async () => {
    let nowMs = 1_700_000_000_000;
    const runningTime = Object.assign(new RunningTime(), { nowMs: () => nowMs });
    const make = ({ config, store }: OpenStore): RedisArtifacts =>
      new RedisArtifacts(config, store, new Clock(), runningTime);
    const opened = await openStore(server, { ORCHD_ARTIFACTS_MAX_BYTES: String(MAX_BYTES) });
    return {
      store: make(opened),
      maxBytes: MAX_BYTES,
      advance: ms => void (nowMs += ms),
      nowMs: () => nowMs,
      reopen: async () => make(await opened.another()),
    };
  });

  modelCatalogContract('RedisCatalog', async () => {
    const opened = await openStore(server);
    return {
      catalog: new RedisCatalog(opened.store),
      reopen: async () => new RedisCatalog((await opened.another()).store),
    };
  });
});
