import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { taskJournalContract } from '../../../test/contracts/task-journal.contract';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { SqliteTaskJournal } from './task-journal.sqlite';

taskJournalContract('sqlite', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'journal-'));
  const { config } = loadConfig({ ORCHD_DATA_DIR: dataDir });
  const narrator = new Narrator(new Logger({ logLevel: 'silent', logFormat: 'json' }));
  let journal = new SqliteTaskJournal(config, narrator);
  return {
    journal,
    reopen: async () => (journal = new SqliteTaskJournal(config, narrator)),
    dispose: async () => {
      await journal.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
});
