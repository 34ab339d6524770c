import type Database from 'better-sqlite3';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskEnding } from '../../../tasks/task/task';
import { Clock } from '../../../time/clock';
import type { Change } from '../tables/echo';
import { lastKeptMs, type DamagedTask, type LiveState } from './inspection';
import { files, syncFolder } from '../file/journal-file';
import type { LedgerTables } from '../tables/ledger-tables';
import { encodeEnding, failedState, streamingState } from '../tables/record-codec';
import { isIntact, sealed, taskColumns, type TaskRow } from '../tables/rows';

const MESSAGE = "The journal's record of this task was damaged; send it again under another id.";

/**
 * Puts right, in one transaction, what damage has left of single tasks: a task whose request cannot be trusted is not run but
 * ends as failed, and one that had shown output or ended by what was lost is marked, so that it is not run a second time.
 * @param lost what was acknowledged and is not in the tables
 * @param lastChange where counting goes on
 */
export function mend(
  db: Database.Database,
  tables: LedgerTables,
  state: LiveState,
  lost: readonly Change[],
  lastChange: number,
): void {
  const nowMs = new Clock().wallMs();
  const ends = { endedAtMs: nowMs, keptFromMs: lastKeptMs(db) ?? nowMs };
  db.transaction(() => {
    for (const task of state.damagedTasks) endDamaged(db, task, ends);
    const unsettled = new Set(
      lost.filter(({ kind }) => kind === 'mark' || kind === 'end').map(({ subject }) => subject),
    );
    for (const { task } of state.live) if (unsettled.has(task[1])) markShown(db, task);
    for (const sessionId of state.damagedSessions)
      db.prepare('DELETE FROM sessions WHERE session_id = ?').run(sessionId);
    for (const key of state.damagedBindings)
      db.prepare("DELETE FROM bindings WHERE pool_id || '/' || replica_id = ?").run(key);
    for (const name of state.damagedNotes) db.prepare('DELETE FROM notes WHERE name = ?').run(name);
    for (const poolId of state.damagedDrains) db.prepare('DELETE FROM drains WHERE pool_id = ?').run(poolId);
    tables.recount(Math.max(lastChange, tables.counters.changes));
    tables.settle();
  }).immediate();
}

/** A row that does not add up keeps its wrong checksum: it can be told by it until it expires. */
function endDamaged(
  db: Database.Database,
  { seq, taskId }: DamagedTask,
  ends: Pick<TaskEnding, 'endedAtMs' | 'keptFromMs'>,
): void {
  db.prepare('DELETE FROM requests WHERE seq = ?').run(seq);
  const row = db.prepare(`SELECT ${taskColumns} FROM tasks WHERE seq = ?`).raw().get(seq) as TaskRow | undefined;
  if (!row) return;
  const usage = { tokensIn: 0, tokensOut: 0, decodeMs: 0, cost: 0 };
  const { ending } = encodeEnding({
    taskId,
    state: 'failed',
    code: 'INTERNAL',
    message: MESSAGE,
    ...ends,
    usage,
    attempts: 0,
  });
  const [, id, sessionId, admittedAtMs, , marked, , admission, placement, , oldChecksum] = row;
  const after = sealed<TaskRow>(
    seq,
    id,
    sessionId,
    admittedAtMs,
    failedState,
    marked,
    ends.keptFromMs,
    admission,
    placement,
    ending,
  );
  const checksum = isIntact(row) ? after[10] : oldChecksum;
  db.prepare('UPDATE tasks SET state = ?, ended_at = ?, ending = ?, checksum = ? WHERE seq = ?').run(
    failedState,
    ends.keptFromMs,
    ending,
    checksum,
    seq,
  );
}

function markShown(db: Database.Database, task: TaskRow): void {
  const [seq, taskId, sessionId, admittedAtMs, , , , admission, placement, ending] = task;
  const row = sealed<TaskRow>(
    seq,
    taskId,
    sessionId,
    admittedAtMs,
    streamingState,
    1,
    null,
    admission,
    placement,
    ending,
  );
  db.prepare('UPDATE tasks SET state = ?, marked = 1, checksum = ? WHERE seq = ?').run(streamingState, row[10], seq);
}

/** Sets the write-ahead log aside, once it is known that the database has all without it. */
export function setLogAside(folder: string): void {
  if (existsSync(join(folder, files.wal))) renameSync(join(folder, files.wal), join(folder, files.damagedWal));
  rmSync(join(folder, files.walIndex), { force: true });
  syncFolder(folder);
}
