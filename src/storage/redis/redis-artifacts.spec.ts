import { artifactStoreContract } from '../../../test/contracts/artifact-store.contract';
import { modelCatalogContract } from '../../../test/contracts/model-catalog.contract';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { RedisArtifacts } from './redis-artifacts';
import { RedisCatalog } from './redis-catalog';

const MAX_BYTES = 1024 * 1024;

describeOverStore('over a store', server => {
  artifactStoreContract('RedisArtifacts', async () => {
    let nowMs = 1_700_000_000_000;
    const runningTime = Object.assign(new RunningTime(), { nowMs: () => nowMs });
    const make = ({ config, store }: OpenStore): RedisArtifacts =>
      new RedisArtifacts(config, store, new Clock(), runningTime);
    const opened = await openStore(server(), { ORCHD_ARTIFACTS_MAX_BYTES: String(MAX_BYTES) });
    return {
      store: make(opened),
      maxBytes: MAX_BYTES,
      advance: ms => void (nowMs += ms),
      nowMs: () => nowMs,
      reopen: async () => make(await opened.another()),
    };
  });

  modelCatalogContract('RedisCatalog', async () => {
    const opened = await openStore(server());
    return {
      catalog: new RedisCatalog(opened.store),
      reopen: async () => new RedisCatalog((await opened.another()).store),
    };
  });
});
