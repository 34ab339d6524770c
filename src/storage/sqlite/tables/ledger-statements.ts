import type Database from 'better-sqlite3';
import { bindingColumns, drainColumns, noteColumns, taskColumns } from './rows';

export type LedgerStatements = ReturnType<typeof statementsOn>;

/** What is asked of the tables when they are written. */
export function statementsOn(db: Database.Database) {
  return {
    insertTask: db.prepare(`INSERT INTO tasks (${taskColumns}) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`),
    insertRequest: db.prepare('INSERT INTO requests (seq, prompt, checksum) VALUES (?,?,?)'),
    task: db.prepare(`SELECT ${taskColumns} FROM tasks WHERE task_id = ?`).raw(),
    updateTask: db.prepare(
      'UPDATE tasks SET state = ?, marked = ?, ended_at = ?, placement = ?, ending = ?, checksum = ? WHERE seq = ?',
    ),
    deleteTask: db.prepare('DELETE FROM tasks WHERE seq = ?'),
    deleteRequest: db.prepare('DELETE FROM requests WHERE seq = ?'),
    due: db.prepare('SELECT seq, task_id, ending FROM tasks WHERE ended_at < ? ORDER BY ended_at LIMIT ?').raw(),
    session: db
      .prepare('SELECT session_id, tokens, time_ms, cost, turns, checksum FROM sessions WHERE session_id = ?')
      .raw(),
    putSession: db.prepare(
      'INSERT OR REPLACE INTO sessions (session_id, tokens, time_ms, cost, turns, checksum) VALUES (?,?,?,?,?,?)',
    ),
    deleteSession: db.prepare('DELETE FROM sessions WHERE session_id = ?'),
    putBinding: db.prepare(`INSERT OR REPLACE INTO bindings (${bindingColumns}) VALUES (?,?,?,?,?,?,?,?,?)`),
    deleteBinding: db.prepare('DELETE FROM bindings WHERE pool_id = ? AND replica_id = ?'),
    putDrain: db.prepare(`INSERT OR REPLACE INTO drains (${drainColumns}) VALUES (?,?,?,?)`),
    putNote: db.prepare(`INSERT OR REPLACE INTO notes (${noteColumns}) VALUES (?,?,?)`),
    deleteDrain: db.prepare('DELETE FROM drains WHERE pool_id = ?'),
    putCounters: db.prepare(
      'INSERT OR REPLACE INTO ledger (id, changes, last_seq, tasks, live, checksum) VALUES (?,?,?,?,?,?)',
    ),
    count: db.prepare(
      `SELECT (SELECT count(*) FROM tasks) AS tasks, (SELECT count(*) FROM requests) AS live,
        (SELECT coalesce(max(seq), 0) FROM tasks) AS lastSeq`,
    ),
  };
}
