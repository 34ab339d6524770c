import { taskJournalContract } from '../../../test/contracts/task-journal.contract';
import { MemoryTaskJournal } from './task-journal.memory';

taskJournalContract('memory', async () => ({ journal: new MemoryTaskJournal(), dispose: async () => undefined }));
