import type Database from 'better-sqlite3';
import {
  appendFileSync,
  existsSync,
  linkSync,
  openSync,
  closeSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { idPattern } from '../../../config/parsers';
import { isDamage } from '../file/journal-error';
import { files, openForWriting, syncFolder } from '../file/journal-file';
import { migrate, stepsUpTo } from '../tables/migrations';
import { isIntact } from '../tables/rows';

/** True when somebody wants the journal to be rebuilt from what can be read of it: they put a file there that says so. */
export function isSalvageWanted(folder: string): boolean {
  return existsSync(join(folder, files.salvage)) && existsSync(join(folder, files.database));
}

/**
 * Writes every row that can be read and adds up into a new file, which takes the place of the old one; the old one is kept beside it.
 * @returns ids of tasks that an index still names and whose rows could not be read
 */
export function rebuild(folder: string): string[] {
  completePages(join(folder, files.database));
  const old = openForWriting(folder);
  let lost: string[];
  try {
    // An empty log: otherwise SQLite would apply the old file's to the new one.
    old.pragma('wal_checkpoint(TRUNCATE)');
    lost = copyInto(folder, old);
  } finally {
    old.close();
  }
  rmSync(join(folder, files.damaged), { force: true });
  linkSync(join(folder, files.database), join(folder, files.damaged));
  renameSync(join(folder, files.rebuilt), join(folder, files.database));
  rmSync(join(folder, files.salvage), { force: true });
  syncFolder(folder);
  return lost;
}

function copyInto(folder: string, old: Database.Database): string[] {
  for (const part of ['', '-wal', '-shm']) rmSync(join(folder, `${files.rebuilt}${part}`), { force: true });
  const fresh = openForWriting(folder, files.rebuilt);
  try {
    migrate(fresh, stepsUpTo(old.pragma('user_version', { simple: true }) as number));
    return fresh.transaction(() => copyRows(old, fresh)).immediate();
  } finally {
    fresh.close();
  }
}

/** By the order of the tables, from both their ends, and then one by one what an index still knows of. */
function copyRows(old: Database.Database, fresh: Database.Database): string[] {
  const names = new Map<number, string>();
  read(old, 'SELECT seq, task_id FROM tasks INDEXED BY tasks_by_id ORDER BY task_id', ([seq, taskId]) => {
    names.set(seq as number, idPattern.test(String(taskId)) ? String(taskId) : `number ${String(seq)}`);
  });
  const tasks = copier(old, fresh, 'tasks', 'seq');
  tasks.copyAll();
  const missing = [...names.keys()].filter(seq => !tasks.has(seq) && !tasks.copy(seq));
  const requests = copier(old, fresh, 'requests', 'seq');
  requests.copyAll();
  for (const seq of names.keys()) if (!requests.has(seq)) requests.copy(seq);
  fresh.exec('DELETE FROM requests WHERE seq NOT IN (SELECT seq FROM tasks)'); // Of tasks that are lost, and named.
  for (const [table, key] of [
    ['sessions', 'session_id'],
    ['bindings', 'pool_id'],
    ['drains', 'pool_id'],
    ['notes', 'name'],
    ['ledger', 'id'],
  ] as const) {
    if (!hasTable(fresh, table)) continue; // Of a later version than the journal has.
    copier(old, fresh, table, key).copyAll();
  }
  return missing.map(seq => names.get(seq) as string);
}

interface Copier {
  copyAll(): void;
  /** False where the row cannot be read or does not add up. */
  copy(key: number): boolean;
  has(key: number): boolean;
}

function copier(old: Database.Database, fresh: Database.Database, table: string, key: string): Copier {
  const columns = fresh
    .prepare(`SELECT * FROM ${table}`)
    .columns()
    .map(() => '?');
  const insert = fresh.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${columns.join()})`);
  const one = old.prepare(`SELECT * FROM ${table} WHERE ${key} = ?`).raw();
  const known = fresh.prepare(`SELECT 1 FROM ${table} WHERE ${key} = ?`);
  const keep = (row: unknown[]): boolean => isIntact(row) && attempt(() => insert.run(...row).changes === 1) === true;
  return {
    copyAll: () => read(old, `SELECT * FROM ${table} NOT INDEXED ORDER BY ${key}`, keep),
    copy: value => {
      const row = attempt(() => one.get(value)) as unknown[] | undefined;
      return row !== undefined && keep(row);
    },
    has: value => known.get(value) !== undefined,
  };
}

function hasTable(db: Database.Database, table: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined;
}

/** Reads from the one end and from the other, up to where it is damaged. */
function read(db: Database.Database, select: string, take: (row: unknown[]) => void): void {
  for (const direction of ['ASC', 'DESC']) {
    attempt(() => {
      for (const row of db.prepare(`${select} ${direction}`).raw().iterate()) take(row as unknown[]);
    });
  }
}

/** Undefined where the file is damaged, or what was read of it is no longer what it was. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (isDamage(thrown) || isMisfit(thrown)) return undefined;
    throw thrown;
  }
}

function isMisfit(thrown: unknown): boolean {
  return (
    thrown instanceof Error && /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(String((thrown as { code?: unknown }).code))
  );
}

const PAGE_BYTES = 4096;
/** Where the first page says how many there are. */
const PAGE_COUNT_AT = 28;

/** SQLite opens no file that is shorter than it should be; with empty pages at its end it reads what there is. */
function completePages(path: string): void {
  const count = Buffer.alloc(4);
  const handle = openSync(path, 'r');
  try {
    readSync(handle, count, 0, 4, PAGE_COUNT_AT);
  } finally {
    closeSync(handle);
  }
  const missing = count.readUInt32BE() * PAGE_BYTES - statSync(path).size;
  if (missing > 0 && missing <= statSync(path).size * 100) appendFileSync(path, Buffer.alloc(missing));
}
