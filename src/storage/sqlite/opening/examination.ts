import type Database from 'better-sqlite3';
import { constants, copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Change, Echo } from '../tables/echo';
import {
  inspect,
  isLarge,
  namesOfLive,
  readCounters,
  readLiveState,
  type Inspection,
  type LiveState,
} from './inspection';
import type { Replay } from './replay';
import { isDamage } from '../file/journal-error';
import { files, openForReading } from '../file/journal-file';
import type { Counters } from '../tables/ledger-tables';
import { isCurrent } from '../tables/migrations';

/** What a look at the journal has shown. */
export interface Findings {
  /** Undefined where the row that holds them is damaged. */
  readonly counters: Counters | undefined;
  /** The database lacks changes that it had once, whether or not the commit log has them. */
  readonly isBehind: boolean;
  /** Changes that were acknowledged and are neither in the database nor in the commit log. */
  readonly lost: readonly Change[];
  readonly state: LiveState;
  /** Of all of it; undefined for a large journal that shows no sign of damage (the reader's thread goes on looking). */
  readonly inspection: Inspection | undefined;
}

/** A journal of which not even the live tasks can be read. */
export class LiveTasksUnreadable extends Error {
  override readonly name = 'LiveTasksUnreadable';

  constructor(
    /** As far as an index still names them. */
    readonly taskIds: readonly string[],
    cause: unknown,
  ) {
    super('its live tasks cannot be read', { cause });
  }
}

export const noTasks: Counters = { changes: 0, lastSeq: 0, tasks: 0, live: 0 };

/**
 * Looks at a journal without changing a byte of it: a start that ends here leaves everything to whoever saves it.
 * @returns undefined when there is none yet, or one of an older version, which has to be migrated before
 */
export function examineUntouched(folder: string, echo: Echo, logged: Replay): Findings | undefined {
  if (!existsSync(join(folder, files.database))) return undefined;
  return using(openForReading(folder), db => (isCurrent(db) ? examine(db, echo, logged) : undefined));
}

/**
 * Looks at the database file alone (a copy of it), as if there were no write-ahead log: after a whole checkpoint everything is
 * in the file, and a damaged log would only cover it with older pages.
 */
export function examineWithoutLog(folder: string, echo: Echo, logged: Replay): Findings {
  const copy = join(folder, files.copy);
  const parts = [copy, `${copy}-wal`, `${copy}-shm`];
  try {
    for (const part of parts) rmSync(part, { force: true });
    copyFileSync(join(folder, files.database), copy, constants.COPYFILE_FICLONE);
    return using(openForReading(folder, files.copy), db => examine(db, echo, logged));
  } finally {
    for (const part of parts) rmSync(part, { force: true });
  }
}

export function examine(db: Database.Database, echo: Echo, logged: Replay): Findings {
  const isNew =
    db.prepare('SELECT 1 FROM ledger').get() === undefined && db.prepare('SELECT 1 FROM tasks').get() === undefined;
  const counters = isNew ? noTasks : readCounters(db);
  const behind = echo.readAfter(counters?.changes ?? Infinity);
  const lost = [
    ...behind.filter(({ number }) => !logged.has(number)),
    ...logged.lostAfter(counters?.changes ?? Infinity),
  ];
  const state = liveStateOf(db);
  const looksWhole =
    counters &&
    behind.length + lost.length === 0 &&
    state.damagedTasks.length === 0 &&
    state.live.length === counters.live;
  return {
    counters,
    isBehind: behind.length > 0,
    lost,
    state,
    inspection: looksWhole && isLarge(db) ? undefined : inspect(db, counters),
  };
}

/** True when nothing at all is wrong. */
export function isWhole({ counters, lost, state, inspection }: Findings): boolean {
  return (
    counters !== undefined &&
    lost.length + damagedIn(state) === 0 &&
    state.live.length === counters.live &&
    (!inspection || isIntact(inspection))
  );
}

function damagedIn(state: LiveState): number {
  const { damagedTasks, damagedSessions, damagedBindings, damagedDrains, damagedNotes } = state;
  return [damagedTasks, damagedSessions, damagedBindings, damagedDrains, damagedNotes].flat().length;
}

/** Every task is there, whatever the structure around them looks like. */
export function hasEveryTask({ counters, state, inspection }: Findings): boolean {
  if (!counters || state.damagedTasks.length > 0) return false;
  return !inspection || inspection.damagedTasks.length + inspection.lostTaskIds.length + inspection.missing === 0;
}

function isIntact({ structure, damagedTasks, lostTaskIds, missing }: Inspection): boolean {
  return structure.length + damagedTasks.length + lostTaskIds.length + missing === 0;
}

function liveStateOf(db: Database.Database): LiveState {
  try {
    return readLiveState(db);
  } catch (thrown) {
    if (isDamage(thrown)) throw new LiveTasksUnreadable(namesOfLive(db), thrown);
    throw thrown;
  }
}

function using<T>(db: Database.Database, work: (db: Database.Database) => T): T {
  try {
    return work(db);
  } finally {
    db.close();
  }
}
