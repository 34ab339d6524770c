import { notesContract } from '../../../test/contracts/notes.contract';
import { describeOverStore, openStore } from '../../../test/support/redis-store';
import { RedisNotes } from './redis-notes';

describeOverStore('over a store', server => {
  notesContract('redis, at two nodes', async () => {
    const opened = await openStore(server());
    return {
      notes: new RedisNotes(opened.store),
      another: async () => new RedisNotes((await opened.another()).store),
    };
  });
});
