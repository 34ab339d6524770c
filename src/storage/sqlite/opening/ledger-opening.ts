import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { notesOn, notesOnSalvage, taskIdsOf, unreadable } from './damage-report';
import { Echo } from '../tables/echo';
import {
  examine,
  examineUntouched,
  examineWithoutLog,
  hasEveryTask,
  isWhole,
  LiveTasksUnreadable,
  noTasks,
  type Findings,
} from './examination';
import { lastKeptMs, readLiveState } from './inspection';
import { codeOf, isDamage, isStorageFault, JournalError } from '../file/journal-error';
import { files, lockFolder, makeFolder, openForWriting, syncFolder } from '../file/journal-file';
import { LedgerTables } from '../tables/ledger-tables';
import { mend, setLogAside } from './mending';
import { migrate } from '../tables/migrations';
import type { Note, OpenedLedger } from '../tables/protocol';
import { Replay } from './replay';
import { isSalvageWanted, rebuild } from './salvage';

/** A journal that was opened for writing. */
export interface OpenLedger {
  readonly db: Database.Database;
  readonly lock: Database.Database;
  readonly echo: Echo;
  readonly tables: LedgerTables;
  readonly opened: Omit<OpenedLedger, 'hasRoom'>;
}

type Tell = (note: Note) => void;

/**
 * Opens the journal in a folder, making it if there is none, and finds out whether it is as it was left.
 *
 * Damage to single tasks is told task by task and the start goes on. Damage to the file's structure is repaired where every
 * task is still there; otherwise the start ends, with what to do and without having changed anything, unless the operator
 * has asked for what can be saved.
 * @throws JournalError
 */
export function openLedger(folder: string, tell: Tell): OpenLedger {
  makeFolder(folder);
  let lock: Database.Database | undefined;
  let echo: Echo | undefined;
  let db: Database.Database | undefined;
  try {
    lock = lockFolder(folder);
    echo = Echo.open(join(folder, files.echo));
    if (isSalvageWanted(folder)) for (const note of notesOnSalvage(rebuild(folder))) tell(note);
    const logged = Replay.of(folder);
    const found = examineFiles(folder, echo, logged, tell);
    if (found) refuseIfBroken(folder, found);
    db = openForWriting(folder);
    migrate(db);
    syncFolder(folder);
    const ledger = settle(folder, db, echo, found ?? examine(db, echo, logged), logged, tell);
    return { lock, echo, ...ledger };
  } catch (thrown) {
    const remembered = echo ? taskIdsIn(echo) : [];
    db?.close();
    echo?.close();
    lock?.close();
    throw explained(folder, thrown, remembered);
  }
}

/**
 * Looks at what is there before anything is written. Where the write-ahead log is damaged, but all that was in it had reached
 * the database, the database alone is the journal.
 */
function examineFiles(folder: string, echo: Echo, logged: Replay, tell: Tell): Findings | undefined {
  const found = attempt(() => examineUntouched(folder, echo, logged));
  const needsOtherView = found instanceof Error || found?.isBehind === true;
  if (needsOtherView) {
    const alone = attempt(() => examineWithoutLog(folder, echo, logged));
    const isEnough = alone && !(alone instanceof Error) && isWhole(alone) && goesOn(alone, logged);
    if (isEnough && !hasMore(found, alone, logged)) {
      setLogAside(folder);
      tell(logSetAsideNote);
      return alone;
    }
  }
  if (found instanceof Error) throw found;
  return found;
}

/**
 * With the write-ahead log, nothing is missing, and there is more than in the database alone: what a loss of power has left. Not all
 * of it has a number, so the commit log cannot stand in for it.
 */
function hasMore(found: Findings | Error | undefined, alone: Findings, logged: Replay): boolean {
  if (!found || found instanceof Error || !isWhole(found) || !goesOn(found, logged)) return false;
  return (found.counters?.changes ?? 0) > (alone.counters?.changes ?? 0);
}

/** Nothing is between what the database has and what the commit log has after it. */
function goesOn({ isBehind, counters }: Findings, logged: Replay): boolean {
  return !isBehind || logged.has((counters?.changes ?? 0) + 1);
}

const logSetAsideNote: Note = {
  level: 'warn',
  human: `The journal's write-ahead log was damaged; all of it was in the database, so it was set aside as ${files.damagedWal}.`,
  fields: { event: 'journal_log_set_aside' },
};

/** Damage, or a lack of room for a copy, is a finding here. */
function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof LiveTasksUnreadable || (thrown instanceof Error && isStorageFault(thrown))) return thrown;
    throw thrown;
  }
}

function refuseIfBroken(folder: string, found: Findings): void {
  const { state, inspection } = found;
  if (!inspection || inspection.structure.length === 0 || hasEveryTask(found)) return;
  const ids = [...state.damagedTasks, ...inspection.damagedTasks].map(({ taskId }) => taskId);
  throw unreadable(folder, 'its structure is damaged', [
    ...new Set([...ids, ...taskIdsOf(found.lost), ...inspection.lostTaskIds]),
  ]);
}

function settle(
  folder: string,
  db: Database.Database,
  echo: Echo,
  found: Findings,
  logged: Replay,
  tell: Tell,
): Pick<OpenLedger, 'db' | 'tables' | 'opened'> {
  for (const note of notesOn(found)) tell(note);
  const { structure = [] } = found.inspection ?? {};
  const whole = structure.length > 0 ? rebuilt(folder, db, structure, tell) : db;
  const tables = new LedgerTables(whole, found.counters ?? noTasks);
  const { changes } = tables.counters;
  for (const note of logged.into(whole, tables, echo)) tell(note);
  let state = tables.counters.changes === changes ? found.state : readLiveState(whole);
  if (!isWhole(found)) {
    mend(whole, tables, state, found.lost, Math.max(echo.lastNumber, logged.lastNumber));
    state = readLiveState(whole);
  }
  const { live, sessions, bindings, drains, notes } = state;
  return {
    db: whole,
    tables,
    opened: {
      live,
      sessions,
      bindings,
      drains,
      notes,
      lastSeq: tables.counters.lastSeq,
      lastKeptMs: lastKeptMs(whole),
      lastChange: tables.counters.changes,
      transcripts: logged.transcripts(tables),
    },
  };
}

function rebuilt(folder: string, db: Database.Database, structure: readonly string[], tell: Tell): Database.Database {
  db.close();
  const lost = rebuild(folder);
  if (lost.length > 0) for (const note of notesOnSalvage(lost)) tell(note);
  const whole = openForWriting(folder);
  tell({
    level: 'warn',
    human: `The journal's structure was damaged; every task was there, so it was rebuilt. The old file is ${files.damaged}.`,
    fields: { event: 'journal_rebuilt', structure },
  });
  return whole;
}

/** The tasks of the last changes, the latest first: of a journal that cannot be opened, all that is known. */
function taskIdsIn(echo: Echo): string[] {
  return [...new Set(taskIdsOf(echo.readAfter(0)).reverse())];
}

/** Says for every failure of an opening what it is and what to do. */
function explained(folder: string, thrown: unknown, remembered: readonly string[]): unknown {
  if (thrown instanceof LiveTasksUnreadable && thrown.taskIds.length > 0) {
    return unreadable(folder, thrown.message, thrown.taskIds, thrown);
  }
  if (thrown instanceof LiveTasksUnreadable) return unreadable(folder, thrown.message, remembered, thrown);
  if (thrown instanceof JournalError && thrown.fault === 'UNREADABLE' && !thrown.message.includes(folder)) {
    return unreadable(folder, thrown.message, remembered, thrown);
  }
  if (thrown instanceof JournalError) return thrown;
  if (isDamage(thrown)) return unreadable(folder, `its file is damaged (${codeOf(thrown)})`, remembered, thrown);
  if (!isStorageFault(thrown)) return thrown;
  const message = `The journal in ${folder} cannot be opened (${codeOf(thrown)}): see that the folder can be written and its disk has room.`;
  return new JournalError('UNUSABLE', message, thrown);
}
