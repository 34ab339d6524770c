import { expect, it } from 'vitest';
import { apiRecordsContract, record } from '../../../test/contracts/api-records.contract';
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

  it('a batch that a node of an older version begins holds its files too, whenever that is (B-BAT-009)', async () => {
    const records = new RedisApiRecords((await openStore(server())).store);
    const file = { kind: 'file', isOpen: false, keptFromMs: 5 } as const;
    for (const id of ['a', 'b']) {
      await records.insert(record(`in-${id}`, file));
      const text = JSON.stringify({ id, inputFileId: `in-${id}` });
      await records.insertFor(`in-${id}`, record(id, { kind: 'batch', text }));
      expect(await records.removeFile(`in-${id}`)).toEqual({ heldBy: id });
    }
    await records.replace(record('a', { kind: 'batch', isOpen: false, keptFromMs: 5 }));
    expect([await records.removeFile('in-a'), await records.removeFile('in-b')]).toEqual(['removed', { heldBy: 'b' }]);
  });
});
