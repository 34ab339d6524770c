import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { notesContract } from '../../../test/contracts/notes.contract';
import { hasRedisServer, startRedis, type RedisServer } from '../../../test/support/redis-server';
import { closeStores, openStore } from '../../../test/support/redis-store';
import { RedisNotes } from './redis-notes';

describe.skipIf(!hasRedisServer())('over a store', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(closeStores);

  notesContract('redis, at two nodes', async () => {
    const opened = await openStore(server);
    return {
      notes: new RedisNotes(opened.store),
      another: async () => new RedisNotes((await opened.another()).store),
    };
  });
});
