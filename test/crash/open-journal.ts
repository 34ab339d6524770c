import { loadConfig } from '../../src/config/config';
import { Logger } from '../../src/observability/logger';
import { Narrator } from '../../src/observability/narrator';
import { SqliteTaskJournal } from '../../src/storage/sqlite/task-journal.sqlite';

/** One line of a journal's narration. */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly human: string;
  readonly [field: string]: unknown;
}

/** The durable journal on a data folder, not yet recovered, and what it has told so far. */
export function journalOn(dataDir: string): { journal: SqliteTaskJournal; told: LogLine[] } {
  const told: LogLine[] = [];
  const { config } = loadConfig({ ORCHD_DATA_DIR: dataDir });
  const logger = new Logger(
    { logLevel: 'info', logFormat: 'json' },
    { write: line => void told.push(JSON.parse(line) as LogLine) },
  );
  return { journal: new SqliteTaskJournal(config, new Narrator(logger)), told };
}
