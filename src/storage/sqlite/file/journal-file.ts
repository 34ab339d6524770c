import type Database from 'better-sqlite3';
import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openDatabase } from './driver';
import { codeOf, JournalError } from './journal-error';

/** Names of the files in a journal's folder. */
export const files = {
  database: 'journal.db',
  /** Put there by an operator, see salvage.ts. */
  salvage: 'journal.salvage',
  copy: 'journal.db.copy',
  rebuilt: 'journal.db.rebuilt',
  damaged: 'journal.db.damaged',
  damagedWal: 'journal.db-wal.damaged',
  wal: 'journal.db-wal',
  walIndex: 'journal.db-shm',
  lock: 'journal.lock',
  echo: 'journal.echo',
  /** The same of what is in the commit log. */
  logEcho: 'journal.commits-echo',
  /** Of the commit log, used in turns. */
  commits: ['journal.commits-0', 'journal.commits-1'],
  events: 'events',
} as const;

/** Pages kept in memory by the connection that writes, and by the one that reads. In KiB. */
const WRITER_CACHE_KIB = 8 * 1024;
const READER_CACHE_KIB = 4 * 1024;
/** A read takes well under a millisecond, so whoever waits longer than this for one waits for something else. */
const BUSY_TIMEOUT_MS = 1000;

/** Makes the folder, and sees to it that it is there after a power cut too. Prompts are in it: nobody else may look. */
export function makeFolder(folder: string): void {
  try {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (first !== undefined) for (let at = folder; at.length >= dirname(first).length; at = dirname(at)) syncFolder(at);
  } catch (cause) {
    throw new JournalError('UNUSABLE', `the folder of the journal cannot be made or used (${codeOf(cause)})`, cause);
  }
}

/** Makes what was created or renamed in a folder durable. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Makes durable what was committed without a sync. SQLite holds no lock on its log that closing a handle of ours could let go. */
export function syncLog(folder: string): void {
  const handle = openSync(join(folder, files.wal), 'r+');
  try {
    fdatasyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Takes the folder for this process. The lock is one of the system's (fcntl, through SQLite), so it ends with the process
 * however that ends; it also keeps out a second journal of the same process.
 * @throws JournalError LOCKED
 */
export function lockFolder(folder: string): Database.Database {
  const lock = openDatabase(join(folder, files.lock), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE'); // Nothing is ever written: the transaction stays open as long as the process.
    return lock;
  } catch (cause) {
    lock.close();
    if (!codeOf(cause).startsWith('SQLITE_BUSY')) throw cause;
    throw new JournalError(
      'LOCKED',
      'another process is using this data folder: stop it, or give this one a folder of its own (ORCHD_DATA_DIR)',
      cause,
    );
  }
}

/** The connection that writes. What each PRAGMA is for stands in docs/decisions, "The journal on SQLite". */
export function openForWriting(folder: string, name: string = files.database): Database.Database {
  const db = openDatabase(join(folder, name), { timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma('cell_size_check = ON');
    db.pragma('trusted_schema = OFF');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('wal_autocheckpoint = 0'); // LedgerSpace does that.
    db.pragma('secure_delete = ON');
    db.pragma(`cache_size = -${WRITER_CACHE_KIB}`);
    db.pragma('temp_store = MEMORY');
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

export function openForReading(folder: string, name: string = files.database): Database.Database {
  const db = openDatabase(join(folder, name), {
    readonly: true,
    fileMustExist: true,
    timeout: BUSY_TIMEOUT_MS,
  });
  db.pragma('cell_size_check = ON');
  db.pragma('trusted_schema = OFF');
  db.pragma(`cache_size = -${READER_CACHE_KIB}`);
  return db;
}
