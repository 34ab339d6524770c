import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { notesOn, unreadable } from './damage-report';
import { Echo } from './echo';
import {
  inspect,
  isLarge,
  readCounters,
  readLiveState,
  structureFaults,
  type Inspection,
  type LiveState,
} from './inspection';
import { codeOf, isDamage, isStorageFault, JournalError } from './journal-error';
import { files, lockFolder, makeFolder, openForWriting, syncFolder } from './journal-file';
import { LedgerTables, type Counters } from './ledger-tables';
import { mend, rebuild } from './mending';
import { migrate } from './migrations';
import type { Note, OpenedLedger } from './protocol';

/** A journal that was opened for writing. */
export interface OpenLedger {
  readonly db: Database.Database;
  readonly lock: Database.Database;
  readonly echo: Echo;
  readonly tables: LedgerTables;
  readonly opened: OpenedLedger;
}

/**
 * Opens the journal in a folder, making it if there is none, and finds out whether it is as it was left.
 *
 * Damage to single tasks is told task by task and the start goes on. Damage to the file's structure is repaired where every
 * task is still there; otherwise the start ends here, with what to do. Nothing is dropped without being named.
 * @throws JournalError
 */
export function openLedger(folder: string, tell: (note: Note) => void): OpenLedger {
  makeFolder(folder);
  let lock: Database.Database | undefined;
  let echo: Echo | undefined;
  let db: Database.Database | undefined;
  try {
    lock = lockFolder(folder);
    echo = Echo.open(join(folder, files.echo));
    db = openForWriting(folder);
    migrate(db);
    syncFolder(folder);
    const found = examine(db, echo);
    for (const note of notesOn(found)) tell(note);
    if (found.inspection && found.inspection.structure.length > 0) {
      db = repaired(folder, db, found, found.inspection, tell);
    }
    const tables = new LedgerTables(db, found.counters ?? noTasks);
    let { state } = found;
    if (needsMending(found)) {
      mend(db, tables, state, found.lost, echo.lastNumber);
      state = readLiveState(db);
    }
    const { live, sessions, bindings } = state;
    return { db, lock, echo, tables, opened: { live, sessions, bindings, lastSeq: tables.counters.lastSeq } };
  } catch (thrown) {
    db?.close();
    echo?.close();
    lock?.close();
    throw explained(folder, thrown);
  }
}

/** What a look at the journal has shown. */
export interface Findings {
  /** Undefined where the row that holds them is damaged. */
  readonly counters: Counters | undefined;
  /** Changes that were acknowledged and are not in the database. */
  readonly lost: ReturnType<Echo['readAfter']>;
  readonly state: LiveState;
  /** Of all of it; undefined for a large journal that shows no sign of damage (the reader's thread goes on looking). */
  readonly inspection: Inspection | undefined;
}

const noTasks: Counters = { changes: 0, lastSeq: 0, tasks: 0, live: 0 };

function examine(db: Database.Database, echo: Echo): Findings {
  const isNew =
    db.prepare('SELECT 1 FROM ledger').get() === undefined && db.prepare('SELECT 1 FROM tasks').get() === undefined;
  const counters = isNew ? noTasks : readCounters(db);
  const lost = echo.readAfter(counters?.changes ?? Infinity);
  const state = readLiveState(db);
  const looksWhole =
    counters && lost.length === 0 && state.damagedTasks.length === 0 && state.live.length === counters.live;
  return { counters, lost, state, inspection: looksWhole && isLarge(db) ? undefined : inspect(db, counters) };
}

function needsMending({ counters, lost, state, inspection }: Findings): boolean {
  return (
    !counters ||
    lost.length + state.damagedTasks.length + state.damagedSessions.length + state.damagedBindings.length > 0 ||
    state.live.length !== counters.live ||
    (inspection !== undefined && inspection.missing > 0)
  );
}

function repaired(
  folder: string,
  db: Database.Database,
  { counters, state }: Findings,
  { structure, damagedTasks, lostTaskIds, missing }: Inspection,
  tell: (note: Note) => void,
): Database.Database {
  const ids = [...state.damagedTasks, ...damagedTasks].map(({ taskId }) => taskId).concat(lostTaskIds);
  if (!counters || ids.length > 0 || missing > 0)
    throw unreadable(folder, 'its structure is damaged', [...new Set(ids)]);
  const whole = rebuild(folder, db);
  if (structureFaults(whole).length > 0) throw unreadable(folder, 'its structure is damaged beyond repair', []);
  tell({
    level: 'warn',
    human: `The journal's structure was damaged; every task was there, so it was rebuilt. The old file is ${files.damaged}.`,
    fields: { event: 'journal_rebuilt', structure },
  });
  return whole;
}

/** Says for every failure of an opening what it is and what to do. */
function explained(folder: string, thrown: unknown): unknown {
  if (thrown instanceof JournalError) {
    if (thrown.fault === 'UNREADABLE' && !thrown.message.includes(folder))
      return unreadable(folder, thrown.message, [], thrown);
    return thrown;
  }
  if (isDamage(thrown)) return unreadable(folder, `its file is damaged (${codeOf(thrown)})`, [], thrown);
  if (isStorageFault(thrown)) {
    const message = `The journal in ${folder} cannot be opened (${codeOf(thrown)}): see that the folder can be written and its disk has room.`;
    return new JournalError('UNUSABLE', message, thrown);
  }
  return thrown;
}
