import { notesContract } from '../../../test/contracts/notes.contract';
import { JournalStart } from '../../tasks/journal/journal-start';
import { MemoryTaskJournal } from '../memory/task-journal.memory';
import { EmbeddedNotes } from './embedded-notes';

notesContract('embedded', async () => {
  const journal = new MemoryTaskJournal();
  const open = (): EmbeddedNotes => new EmbeddedNotes(journal, new JournalStart(journal));
  return { notes: open(), another: async () => open() };
});
