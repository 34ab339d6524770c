import type Database from 'better-sqlite3';
import { isDamage } from '../file/journal-error';
import type { Counters, CountersRow } from '../tables/ledger-tables';
import { firstEndState } from '../tables/record-codec';
import {
  bindingColumns,
  drainColumns,
  isIntact,
  noteColumns,
  taskColumns,
  type BindingRow,
  type DrainRow,
  type LiveRow,
  type NoteRow,
  type SessionRow,
  type TaskRow,
} from '../tables/rows';

/** Journals up to this size are looked through as a whole at each start: some 30,000 tasks, in about 100 ms. */
const INSPECTED_PAGES = 8192;

/** A task whose row does not add up. Its id is from the index where that has it. */
export interface DamagedTask {
  readonly seq: number;
  readonly taskId: string;
}

/** What is live, as far as it adds up. Read at every start, whatever the size of the journal. */
export interface LiveState {
  readonly live: readonly LiveRow[];
  readonly sessions: readonly SessionRow[];
  readonly bindings: readonly BindingRow[];
  readonly drains: readonly DrainRow[];
  readonly notes: readonly NoteRow[];
  readonly damagedTasks: readonly DamagedTask[];
  /** Ids of sessions, bindings and drained pools, and names of notes, whose rows do not add up. */
  readonly damagedSessions: readonly string[];
  readonly damagedBindings: readonly string[];
  readonly damagedDrains: readonly string[];
  readonly damagedNotes: readonly string[];
}

/** The whole journal, looked at. */
export interface Inspection {
  /** What SQLite says is wrong with the file's structure. */
  readonly structure: readonly string[];
  readonly damagedTasks: readonly DamagedTask[];
  /** Tasks that an index knows and whose rows cannot be read. */
  readonly lostTaskIds: readonly string[];
  /** Tasks that there must be by the count, and of which nothing is left, not even a name. */
  readonly missing: number;
}

/** @returns undefined when the row is not there or does not add up */
export function readCounters(db: Database.Database): Counters | undefined {
  const row = db.prepare('SELECT id, changes, last_seq, tasks, live, checksum FROM ledger').raw().get() as
    CountersRow | undefined;
  if (!row || !isIntact(row)) return undefined;
  const [, changes, lastSeq, tasks, live] = row;
  return { changes, lastSeq, tasks, live };
}

/** The latest time from which an ended task is kept, as far as rows add up: none of the rest may move the time. */
export function lastKeptMs(db: Database.Database): number | undefined {
  const latest = db.prepare(`SELECT ${taskColumns} FROM tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC`).raw();
  for (const row of latest.iterate() as IterableIterator<TaskRow>) if (isIntact(row)) return row[6] ?? undefined;
  return undefined;
}

/** True where looking through all of it would hold up the start. */
export function isLarge(db: Database.Database): boolean {
  const pages = db.pragma('page_count', { simple: true }) as number;
  const freePages = db.pragma('freelist_count', { simple: true }) as number;
  return pages - freePages > INSPECTED_PAGES;
}

export function readLiveState(db: Database.Database): LiveState {
  const live: LiveRow[] = [];
  const damaged = new Map<number, string>();
  const columns = taskColumns.split(', ').map(column => `t.${column}`);
  const joined = db.prepare(
    `SELECT ${columns.join(', ')}, r.seq, r.prompt, r.checksum FROM requests r LEFT JOIN tasks t ON t.seq = r.seq`,
  );
  for (const cells of joined.raw().iterate() as IterableIterator<unknown[]>) {
    const task = cells.slice(0, columns.length) as unknown as TaskRow;
    const request = cells.slice(columns.length) as [seq: number, prompt: string, checksum: number];
    const adds = isIntact(task) && isIntact(request) && task[4] < firstEndState;
    if (adds) live.push({ task, prompt: request[1] });
    else damaged.set(request[0], String(task[1] ?? `number ${request[0]}`));
  }
  const whole = new Set(live.map(({ task }) => task[0]));
  const byState = db.prepare('SELECT seq, task_id FROM tasks WHERE state < ?').raw().all(firstEndState) as [
    number,
    string,
  ][];
  for (const [seq, taskId] of byState) if (!whole.has(seq)) damaged.set(seq, taskId);
  const sessions = db
    .prepare('SELECT session_id, tokens, time_ms, cost, turns, checksum FROM sessions')
    .raw()
    .all() as SessionRow[];
  const bindings = db.prepare(`SELECT ${bindingColumns} FROM bindings`).raw().all() as BindingRow[];
  const drains = db.prepare(`SELECT ${drainColumns} FROM drains`).raw().all() as DrainRow[];
  const notes = db.prepare(`SELECT ${noteColumns} FROM notes`).raw().all() as NoteRow[];
  return {
    live,
    sessions: sessions.filter(isIntact),
    bindings: bindings.filter(isIntact),
    drains: drains.filter(isIntact),
    notes: notes.filter(isIntact),
    damagedTasks: [...damaged].map(([seq, taskId]) => ({ seq, taskId })),
    damagedSessions: sessions.filter(row => !isIntact(row)).map(([sessionId]) => sessionId),
    damagedBindings: bindings.filter(row => !isIntact(row)).map(([poolId, replicaId]) => `${poolId}/${replicaId}`),
    damagedDrains: drains.filter(row => !isIntact(row)).map(([poolId]) => poolId),
    damagedNotes: notes.filter(row => !isIntact(row)).map(([name]) => name),
  };
}

/** Ids of the tasks that had not ended, from an index, for when their rows cannot be read. */
export function namesOfLive(db: Database.Database): string[] {
  try {
    return db
      .prepare('SELECT task_id FROM tasks INDEXED BY tasks_by_state WHERE state < ?')
      .pluck()
      .all(firstEndState) as string[];
  } catch (thrown) {
    if (isDamage(thrown)) return [];
    throw thrown;
  }
}

/** Looks through everything: SQLite's structures, each row, and whether as many are there as must be. */
export function inspect(db: Database.Database, counters: Counters | undefined): Inspection {
  const structure = structureFaults(db);
  const namesBySeq = indexedNames(db);
  const damagedTasks: DamagedTask[] = [];
  let rows = 0;
  try {
    for (const row of db
      .prepare(`SELECT ${taskColumns} FROM tasks NOT INDEXED ORDER BY seq`)
      .raw()
      .iterate() as IterableIterator<TaskRow>) {
      rows++;
      const [seq, ownId] = row;
      if (!isIntact(row)) damagedTasks.push({ seq, taskId: namesBySeq.get(seq) ?? String(ownId) });
      namesBySeq.delete(seq);
    }
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
    structure.push('the table of tasks cannot be read to its end');
  }
  const lostTaskIds = [...namesBySeq.values()];
  return {
    structure,
    damagedTasks,
    lostTaskIds,
    missing: Math.max(0, (counters?.tasks ?? 0) - rows - lostTaskIds.length),
  };
}

function structureFaults(db: Database.Database): string[] {
  try {
    const lines = db.prepare('PRAGMA integrity_check(10)').pluck().all() as string[];
    return lines.filter(line => line !== 'ok');
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
    return ['its structure cannot be checked'];
  }
}

function indexedNames(db: Database.Database): Map<number, string> {
  const names = new Map<number, string>();
  try {
    const entries = db.prepare('SELECT seq, task_id FROM tasks INDEXED BY tasks_by_id').raw().iterate();
    for (const [seq, taskId] of entries as IterableIterator<[number, string]>) names.set(seq, taskId);
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
  }
  return names;
}
