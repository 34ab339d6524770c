import { apiRecordsContract } from '../../../test/contracts/api-records.contract';
import { describeOverStore, openStore } from '../../../test/support/redis-store';
import { RedisApiRecords } from './redis-api-records';

describeOverStore('over a store', server => {
  apiRecordsContract('RedisApiRecords', async () => {
    const opened = await openStore(server());
    return {
      records: new RedisApiRecords(opened.store),
      reopen: async () => new RedisApiRecords((await opened.another()).store),
    };
  });
});
