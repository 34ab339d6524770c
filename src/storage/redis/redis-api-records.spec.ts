import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { apiRecordsContract } from '../../../test/contracts/api-records.contract';
import { hasRedisServer, startRedis, type RedisServer } from '../../../test/support/redis-server';
import { closeStores, openStore } from '../../../test/support/redis-store';
import { RedisApiRecords } from './redis-api-records';

describe.skipIf(!hasRedisServer())('over a store', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(closeStores);

  apiRecordsContract('RedisApiRecords', async () => {
    const opened = await openStore(server);
    return {
      records: new RedisApiRecords(opened.store),
      reopen: async () => new RedisApiRecords((await opened.another()).store),
    };
  });
});
