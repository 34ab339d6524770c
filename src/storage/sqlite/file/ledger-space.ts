import type Database from 'better-sqlite3';
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { APPLY_LIMITS } from './apply-limits';
import { failpoint } from './failpoints';
import { files } from './journal-file';
import { isStorageFault } from './journal-error';

const PAGE_BYTES = 4096;
/** The file is made longer by this much at a time. */
const GROWTH_BYTES = 1024 * 1024;
/** The reserve, 4 MiB: rows of so many pages each, of which some are given up at a time to marks and endings on a full disk. */
const RESERVE_ROWS = 64;
const RESERVE_ROW_PAGES = 16;
const ROWS_GIVEN_UP = 16;
/** Pages that any transaction without admissions gets by with: 256 endings lengthen their rows by some 100 KiB. */
const SLACK_PAGES = 128;
/** Pages that one admission can need besides those of its prompt: one a table and index, some split. */
const PAGES_PER_ADMISSION = 8;
/** The same where they are hundreds: each can split a page of both indexes by ids, while in the others many share one. */
const PAGES_PER_ADMISSION_OF_MANY = 4;
/** Once this many pages of the write-ahead log (here "the log") are not in the database yet, they are copied there and the log starts over. */
const CHECKPOINT_PAGES = 1000;
/** Size of the log from the start: a checkpoint's worth and the largest transaction that endings make, with room. */
const LOG_BYTES = 8 * 1024 * 1024;
/** After room could not be had, how long admissions are refused without another try. */
const RETRY_MS = 500;

/**
 * Sees to it that marks and endings never need room on the disk that admissions did not secure before.
 *
 * - Before a transaction with admissions, the file is made as long as it can get by it: zeros are written behind its last page,
 *   where SQLite ignores them until it needs them. That the disk is full shows here, and not when the transaction is copied
 *   from the log into the file and nothing can be refused any more.
 * - Some pages are kept by a table of their own; when the file cannot grow, marks and endings get those.
 * - The write-ahead log has its whole size from the start and is started over before it passes it.
 */
export class LedgerSpace {
  /** Closed after every connection of this process: closing any handle of a file lets go of all locks on it. */
  private readonly file: number;
  private retryAtMs = 0;
  private retryAheadAtMs = 0;
  private logIsWhole = false;
  private reserveIsWhole = false;
  /** The most pages the log has had since it was wiped, and how many it had when it was last looked at. */
  private usedPages = 0;
  private logPages = 0;
  private filling = 0;
  private readonly pageCount: Database.Statement;
  private readonly freePages: Database.Statement;

  /** @param onChange told when room runs out (with the error), and when it is back (without) */
  constructor(
    private readonly db: Database.Database,
    private readonly folder: string,
    private readonly onChange: (fault?: unknown) => void,
  ) {
    this.file = openSync(join(folder, files.database), 'r+');
    this.pageCount = db.prepare('PRAGMA page_count').pluck();
    this.freePages = db.prepare('PRAGMA freelist_count').pluck();
  }

  /** To be called after the last connection is closed. */
  close(): void {
    closeSync(this.file);
  }

  /** Makes room for a transaction with so many admissions and bytes of text; false when those have to be refused. */
  prepare(admissions: number, bytes: number): boolean {
    const pages = SLACK_PAGES + admissions * PAGES_PER_ADMISSION + Math.ceil(bytes / PAGE_BYTES);
    const isWhole = this.logIsWhole && this.reserveIsWhole;
    if ((isWhole || admissions === 0) && this.roomIs(pages)) return true;
    if (this.tryToMakeRoom(pages)) return true;
    if (admissions === 0) this.giveUpReserve();
    return admissions === 0;
  }

  /** Whether room is secured for all that the commit log may take meanwhile, for that cannot be refused any more. Secures it where it can. */
  get hasRoomAhead(): boolean {
    if (!this.logIsWhole || !this.reserveIsWhole) return false;
    // A code unit of a prompt takes three bytes at most.
    const bytes = 3 * APPLY_LIMITS.textUnits;
    const pages = SLACK_PAGES + APPLY_LIMITS.admissions * PAGES_PER_ADMISSION_OF_MANY + Math.ceil(bytes / PAGE_BYTES);
    const nowMs = performance.now();
    try {
      if (this.roomIs(pages)) return true;
      if (nowMs < this.retryAheadAtMs) return false;
      this.lengthen(pages);
      return true;
    } catch (thrown) {
      if (!isStorageFault(thrown)) throw thrown;
      // Admissions that need it now find out whether there is no room at all, and tell.
      this.retryAheadAtMs = nowMs + RETRY_MS;
      return false;
    }
  }

  /** Copies the log into the database when enough has gathered. Cheap when not. True when something was written since the last call. */
  checkpointIfDue(): boolean {
    const { log, checkpointed } = this.checkpoint('NOOP');
    if (log === this.logPages) return false;
    this.logPages = log;
    this.usedPages = Math.max(this.usedPages, log);
    if (log - checkpointed < CHECKPOINT_PAGES) return true;
    failpoint('before-checkpoint');
    this.checkpoint('PASSIVE');
    failpoint('after-checkpoint');
    return true;
  }

  /**
   * Overwrites what the log has held since the last wipe, so that no prompt of an ended task stays in it: the log is started
   * over with as many pages of the reserve. To be called when nothing else is to be written. False when a reader was in
   * the way.
   */
  wipeLog(): boolean {
    if (this.usedPages === 0 || !this.reserveIsWhole) return true;
    if (this.checkpoint('RESTART').busy !== 0) return false;
    const refill = this.db.prepare('UPDATE reserve SET body = ? WHERE id = ?');
    for (let left = this.usedPages; left > 0; left -= RESERVE_ROWS * RESERVE_ROW_PAGES) {
      const rows = Math.min(RESERVE_ROWS, Math.ceil(left / RESERVE_ROW_PAGES));
      // SQLite writes no page that stays as it was, hence another filling each time.
      this.filling = (this.filling + 1) % 256;
      const body = Buffer.alloc(RESERVE_ROW_PAGES * PAGE_BYTES, this.filling);
      this.db
        .transaction(() => {
          for (let id = 1; id <= rows; id++) refill.run(body, id);
          failpoint('during-wipe');
        })
        .immediate();
    }
    this.logPages = this.checkpoint('PASSIVE').log;
    this.usedPages = 0;
    return true;
  }

  private tryToMakeRoom(pages: number): boolean {
    const nowMs = performance.now();
    if (nowMs < this.retryAtMs) return false;
    try {
      if (!this.logIsWhole) this.fillLog();
      if (!this.reserveIsWhole) this.fillReserve();
      this.lengthen(pages);
      if (this.retryAtMs > 0) this.onChange();
      this.retryAtMs = 0;
      return true;
    } catch (thrown) {
      if (!isStorageFault(thrown)) throw thrown;
      if (this.retryAtMs === 0) this.onChange(thrown);
      this.retryAtMs = nowMs + RETRY_MS;
      return false;
    }
  }

  /** True when so many pages can be taken without the file getting longer on the disk. */
  private roomIs(pages: number): boolean {
    return this.bytesFor(pages) <= fstatSync(this.file).size;
  }

  /** How long the file is once so many pages more are in use. */
  private bytesFor(pages: number): number {
    const missing = Math.max(0, pages - (this.freePages.get() as number));
    return ((this.pageCount.get() as number) + missing) * PAGE_BYTES;
  }

  private lengthen(pages: number): void {
    const size = fstatSync(this.file).size;
    const missing = this.bytesFor(pages) - size;
    if (missing > 0) writeZeros(this.file, Math.ceil(missing / GROWTH_BYTES) * GROWTH_BYTES, size);
    failpoint('after-growth');
  }

  /**
   * Gives the log its whole size. It is emptied before; a log of zeros is an empty one too (the file format says so), and
   * SQLite holds no lock on this file that closing a handle of ours could let go.
   */
  private fillLog(): void {
    this.finish('TRUNCATE');
    const handle = openSync(join(this.folder, files.wal), 'r+');
    try {
      writeZeros(handle, LOG_BYTES, 0);
    } finally {
      closeSync(handle);
    }
    this.logIsWhole = true;
    this.usedPages = 0;
  }

  private fillReserve(): void {
    this.lengthen(SLACK_PAGES + RESERVE_ROWS * RESERVE_ROW_PAGES);
    const put = this.db.prepare('INSERT INTO reserve (id, body) VALUES (?, zeroblob(?)) ON CONFLICT DO NOTHING');
    this.db
      .transaction(() => {
        for (let id = 1; id <= RESERVE_ROWS; id++) put.run(id, RESERVE_ROW_PAGES * PAGE_BYTES);
      })
      .immediate();
    this.finish('FULL');
    this.reserveIsWhole = true;
  }

  private giveUpReserve(): void {
    this.reserveIsWhole = false;
    this.db.prepare('DELETE FROM reserve WHERE id > (SELECT max(id) FROM reserve) - ?').run(ROWS_GIVEN_UP);
  }

  /** A whole checkpoint: pages that are only in the log yet are no room in the file. */
  private finish(mode: 'FULL' | 'TRUNCATE'): void {
    if (this.checkpoint(mode).busy === 0) return;
    throw Object.assign(new Error('a reader was in the way of a checkpoint'), { code: 'SQLITE_BUSY' });
  }

  private checkpoint(mode: 'NOOP' | 'PASSIVE' | 'FULL' | 'RESTART' | 'TRUNCATE'): CheckpointState {
    const [state] = this.db.pragma(`wal_checkpoint(${mode})`) as [CheckpointState];
    return state;
  }
}

interface CheckpointState {
  /** 1 when a reader was in the way. */
  readonly busy: number;
  /** Pages in the log, and how many of them are in the database too. */
  readonly log: number;
  readonly checkpointed: number;
}

const zeros = Buffer.alloc(256 * 1024);

function writeZeros(handle: number, bytes: number, from: number): void {
  for (let done = 0; done < bytes;)
    done += writeSync(handle, zeros, 0, Math.min(bytes - done, zeros.length), from + done);
}
