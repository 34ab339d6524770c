import type Database from 'better-sqlite3';
import type { FoundRow, ListQuery } from './protocol';
import { isIntact, taskColumns, type TaskRow } from './rows';

/** Conditions of a list. Each combination has an index in its order, so a page costs the same at any size of the journal. */
const conditions = {
  state: 'state = @state',
  sessionId: 'session_id = @sessionId',
  afterSeq: 'seq < @afterSeq',
} as const;

/** Answers from what is committed, on a connection of its own: it waits neither for a transaction nor for a sync. */
export class JournalReader {
  private readonly byId: Database.Statement;
  private readonly prompt: Database.Statement;
  private readonly lists = new Map<string, Database.Statement>();

  constructor(private readonly db: Database.Database) {
    this.byId = db.prepare(`SELECT ${taskColumns} FROM tasks WHERE task_id = ?`).raw();
    this.prompt = db.prepare('SELECT prompt FROM requests WHERE seq = ?').pluck();
  }

  /** @throws DamagedRow when the row does not add up */
  find(taskId: string): FoundRow | undefined {
    const task = this.byId.get(taskId) as TaskRow | undefined;
    if (!task) return undefined;
    if (!isIntact(task)) throw new DamagedRow(`the record of task ${taskId} is damaged`);
    return { task, prompt: this.prompt.get(task[0]) as string | undefined };
  }

  /** Rows that do not add up are left out: they were named when they were found. */
  list({ state, sessionId, afterSeq, limit }: ListQuery): TaskRow[] {
    const given = Object.entries({ state, sessionId, afterSeq }).flatMap(([key, value]) =>
      value === undefined ? [] : [key],
    );
    const statement = this.listBy(given as (keyof typeof conditions)[]);
    return (statement.all({ state, sessionId, afterSeq, limit }) as TaskRow[]).filter(isIntact);
  }

  /** Rows after a number, in the order of the table, for the look through a large journal. */
  rowsAfter(seq: number, limit: number): TaskRow[] {
    const statement = this.db.prepare(`SELECT ${taskColumns} FROM tasks WHERE seq > ? ORDER BY seq LIMIT ?`).raw();
    return statement.all(seq, limit) as TaskRow[];
  }

  /** Ids of tasks after a number, in the order of the table. */
  idsAfter(seq: number, limit: number): [seq: number, taskId: string][] {
    const statement = this.db.prepare('SELECT seq, task_id FROM tasks WHERE seq > ? ORDER BY seq LIMIT ?').raw();
    return statement.all(seq, limit) as [number, string][];
  }

  private listBy(given: readonly (keyof typeof conditions)[]): Database.Statement {
    const key = given.join();
    let statement = this.lists.get(key);
    if (!statement) {
      const where = given.length > 0 ? `WHERE ${given.map(name => conditions[name]).join(' AND ')}` : '';
      const order = 'ORDER BY seq DESC LIMIT @limit';
      statement = this.db.prepare(`SELECT ${taskColumns} FROM tasks ${where} ${order}`).raw();
      this.lists.set(key, statement);
    }
    return statement;
  }
}

export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
}
