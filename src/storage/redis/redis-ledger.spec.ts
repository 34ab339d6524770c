import { afterAll, beforeAll, describe } from 'vitest';
import { taskLedgerContract } from '../../../test/contracts/task-ledger.contract';
import { redisLedger } from '../../../test/support/redis-ledger';
import { hasRedisServer, startRedis, type RedisServer } from '../../../test/support/redis-server';

describe.skipIf(!hasRedisServer())('over a store', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  taskLedgerContract('redis', settings => redisLedger(server, settings), false);
});
