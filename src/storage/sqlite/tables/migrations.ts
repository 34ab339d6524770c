import type Database from 'better-sqlite3';
import { openDatabase } from '../file/driver';
import { failpoint } from '../file/failpoints';
import { JournalError } from '../file/journal-error';
import { checksumOf, type Cell } from './rows';

/** `ORJ1` in ASCII: what tells a journal from any other SQLite file. */
const APPLICATION_ID = 0x4f524a31;

/**
 * The schema, one step a version; a step that was released is never changed. `user_version` counts the steps taken.
 *
 * - `tasks`: one row a task, from its admission until it expires. Small, for it is written up to three times.
 * - `requests`: the prompt of each task that has not ended, and so also the list of those; kept apart because a mark
 *   would otherwise write a prompt of megabytes again.
 * - `ledger`: one row: the number of the last change (counted without gaps), the largest `seq` given out, and
 *   how many rows there must be. Written in every transaction.
 * - `reserve`: holds pages that only marks and endings may use, see LedgerSpace.
 *
 * Each index has the order of a query: `find`, then `list` by session and state, then what expires next; in a list of all the
 * table itself has. `tasks_by_state` has the ids too, for when rows cannot be read.
 */
const steps: readonly string[] = [
  `
  CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    admitted_at REAL NOT NULL,
    state INTEGER NOT NULL,
    marked INTEGER NOT NULL,
    ended_at REAL,
    admission TEXT NOT NULL,
    placement TEXT,
    ending TEXT,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX tasks_by_id ON tasks (task_id);
  CREATE INDEX tasks_by_age ON tasks (admitted_at, task_id);
  CREATE INDEX tasks_by_session ON tasks (session_id, admitted_at, task_id);
  CREATE INDEX tasks_by_state ON tasks (state, admitted_at, task_id);
  CREATE INDEX tasks_by_end ON tasks (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE requests (
    seq INTEGER PRIMARY KEY,
    prompt TEXT NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    tokens REAL NOT NULL,
    time_ms REAL NOT NULL,
    cost REAL NOT NULL,
    turns REAL NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE bindings (
    pool_id TEXT NOT NULL,
    replica_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    url TEXT NOT NULL,
    source TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (pool_id, replica_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    changes INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    live INTEGER NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE reserve (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
  ) STRICT;
  `,
  // Registrations that lapse. A row that did not add up must not do so now: no checksum is negative.
  `
  CREATE TABLE bindings_with_ttl (
    pool_id TEXT NOT NULL,
    replica_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    url TEXT NOT NULL,
    source TEXT NOT NULL,
    ttl_ms REAL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (pool_id, replica_id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO bindings_with_ttl
    SELECT pool_id, replica_id, engine, url, source, NULL,
      iif(checksum = row_checksum(pool_id, replica_id, engine, url, source),
        row_checksum(pool_id, replica_id, engine, url, source, NULL), -1)
    FROM bindings;
  DROP TABLE bindings;
  ALTER TABLE bindings_with_ttl RENAME TO bindings;
  `,
  // Pools that drain until somebody takes them back.
  `
  CREATE TABLE drains (
    pool_id TEXT PRIMARY KEY,
    deadline_ms REAL NOT NULL,
    deadline_at REAL NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // What a service has learned and would not learn again at once.
  `
  CREATE TABLE notes (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Lists go by number of admission: the wall's time may be set back. From here on `ended_at` is of the running time.
  `
  DROP INDEX tasks_by_age;
  DROP INDEX tasks_by_session;
  DROP INDEX tasks_by_state;
  CREATE INDEX tasks_by_session ON tasks (session_id, seq);
  CREATE INDEX tasks_by_state ON tasks (state, seq, task_id);
  `,
  // Engines that want a key: the name of its file. Rows that did not add up still must not, as above.
  `
  CREATE TABLE bindings_with_key (
    pool_id TEXT NOT NULL,
    replica_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    url TEXT NOT NULL,
    source TEXT NOT NULL,
    ttl_ms REAL,
    api_key_file TEXT,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (pool_id, replica_id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO bindings_with_key
    SELECT pool_id, replica_id, engine, url, source, ttl_ms, NULL,
      iif(checksum = row_checksum(pool_id, replica_id, engine, url, source, ttl_ms),
        row_checksum(pool_id, replica_id, engine, url, source, ttl_ms, NULL), -1)
    FROM bindings;
  DROP TABLE bindings;
  ALTER TABLE bindings_with_key RENAME TO bindings;
  `,
  // How many requests an engine runs at once, where who registered it said so.
  `
  CREATE TABLE bindings_with_slots (
    pool_id TEXT NOT NULL,
    replica_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    url TEXT NOT NULL,
    source TEXT NOT NULL,
    ttl_ms REAL,
    api_key_file TEXT,
    slots_total INTEGER,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (pool_id, replica_id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO bindings_with_slots
    SELECT pool_id, replica_id, engine, url, source, ttl_ms, api_key_file, NULL,
      iif(checksum = row_checksum(pool_id, replica_id, engine, url, source, ttl_ms, api_key_file),
        row_checksum(pool_id, replica_id, engine, url, source, ttl_ms, api_key_file, NULL), -1)
    FROM bindings;
  DROP TABLE bindings;
  ALTER TABLE bindings_with_slots RENAME TO bindings;
  `,
  // From here on a commit log stands in front, which versions before do not read: they must refuse such a journal.
  `
  SELECT 1;
  `,
];

/** The steps to a version: rows that are copied as they are must find the same tables. All for a version that there is not. */
export function stepsUpTo(version: number): readonly string[] {
  return version > 0 ? steps.slice(0, version) : steps;
}

/**
 * Brings a journal to the newest schema, a step a transaction; an empty file becomes a journal.
 * @throws JournalError NEWER, or UNREADABLE when the file is another program's or its schema is not what it must be
 */
export function migrate(db: Database.Database, plan: readonly string[] = steps): void {
  lendChecksum(db);
  for (let step = versionOf(db, plan); step < plan.length; step++) {
    db.transaction(() => {
      db.exec(plan[step] as string);
      failpoint('during-migration');
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${step + 1}`);
    }).immediate();
  }
  requireSchema(db, plan);
}

/**
 * True when the journal has the newest schema already.
 * @throws JournalError as {@link migrate}
 */
export function isCurrent(db: Database.Database): boolean {
  if (versionOf(db, steps) < steps.length) return false;
  requireSchema(db, steps);
  return true;
}

function versionOf(db: Database.Database, plan: readonly string[]): number {
  const version = db.pragma('user_version', { simple: true }) as number;
  const applicationId = db.pragma('application_id', { simple: true }) as number;
  const isEmpty = version === 0 && applicationId === 0 && schemaOf(db).length === 0;
  if (!isEmpty && applicationId !== APPLICATION_ID) {
    throw new JournalError('UNREADABLE', 'the file is not a journal of this service, or its first page is damaged');
  }
  if (version > plan.length) {
    const message = `The journal has version ${version}; this service knows ${plan.length} at most: run the version that wrote it.`;
    throw new JournalError('NEWER', message);
  }
  return version;
}

/** Each table and index must be there as it was made. More may be: a tool that saved a damaged journal can leave a table of its own. */
function requireSchema(db: Database.Database, plan: readonly string[]): void {
  const actual = new Set(schemaOf(db));
  if (!intendedSchema(plan).every(object => actual.has(object))) {
    throw new JournalError('UNREADABLE', 'its table definitions are damaged');
  }
}

function intendedSchema(plan: readonly string[]): string[] {
  const model = openDatabase(':memory:');
  try {
    lendChecksum(model);
    for (const step of plan) model.exec(step);
    return schemaOf(model);
  } finally {
    model.close();
  }
}

/** For the steps that change what a row's checksum is over. */
function lendChecksum(db: Database.Database): void {
  db.function('row_checksum', { varargs: true, deterministic: true }, (...cells) => checksumOf(cells as Cell[]));
}

function schemaOf(db: Database.Database): string[] {
  const objects = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema').raw().all();
  return objects.map(object => JSON.stringify(object));
}
