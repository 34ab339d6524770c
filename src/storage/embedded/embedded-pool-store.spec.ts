import { poolStoreContract } from '../../../test/contracts/pool-store.contract';
import { JournalStart } from '../../tasks/journal/journal-start';
import { MemoryTaskJournal } from '../memory/task-journal.memory';
import { EmbeddedPoolStore } from './embedded-pool-store';

poolStoreContract('embedded', async () => {
  const journal = new MemoryTaskJournal();
  const open = (): EmbeddedPoolStore => new EmbeddedPoolStore(journal, new JournalStart(journal));
  return { store: open(), another: async () => open() };
});
