import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { failpoint } from '../file/failpoints';
import { files } from '../file/journal-file';
import { readCommitLog } from '../log/commit-log-reading';
import type { LoggedRecord } from '../log/commit-log-records';
import { decodeBody } from '../log/logged-body';
import { Echo, type Change } from '../tables/echo';
import type { LedgerTables } from '../tables/ledger-tables';
import type { LoggedWrite, Note, OpenedLedger } from '../tables/protocol';

/** Writes that are done in one transaction. */
const GROUP_WRITES = 256;

interface Logged {
  readonly number: number;
  readonly write: LoggedWrite;
}

/** What the commit log holds at a start: what the database lacks of it is done again, in its order. */
export class Replay {
  private readonly numbers: Set<number>;

  private constructor(
    private readonly logged: readonly Logged[],
    /** All up to this number was acknowledged. */
    private readonly certain: number,
    /** Places at which a record does not add up. */
    private readonly damaged: number,
    private readonly isCut: boolean,
    /** What was written to the commit log, or was about to be. */
    private readonly echo: readonly Change[],
  ) {
    this.numbers = new Set(logged.map(({ number }) => number));
  }

  /** Reads the commit log and its echo. @throws Error of the file system */
  static of(folder: string): Replay {
    const { records, damaged, isCut } = readCommitLog(folder);
    const certain = certainOf(records);
    // Of a log that is damaged, what is left is done: what is missing may have been acknowledged, whatever it was.
    const kept = damaged > 0 || isCut ? records : acknowledgeable(records, certain);
    const logged = kept.map(({ number, body }) => ({ number, write: decodeBody(body) }));
    const echo = Echo.open(join(folder, files.logEcho));
    try {
      return new Replay(logged, certain, damaged, isCut, echo.readAfter(0));
    } finally {
      echo.close();
    }
  }

  has(number: number): boolean {
    return this.numbers.has(number);
  }

  /**
   * What may have been acknowledged and is neither in a database that is at this number nor in the log. What is missing at the end of
   * a log without a sign of damage was never written there.
   */
  lostAfter(number: number): readonly Change[] {
    const last = this.damaged > 0 || this.isCut ? Infinity : Math.max(this.certain, this.logged.at(-1)?.number ?? 0);
    return this.echo.filter(
      change => change.number > number && change.number <= last && !this.numbers.has(change.number),
    );
  }

  /** The last number that was given out, as far as that is known. */
  get lastNumber(): number {
    return Math.max(this.certain, this.logged.at(-1)?.number ?? 0, this.echo.at(-1)?.number ?? 0);
  }

  /** Does what has not been done yet, durably. @returns what there is to tell */
  into(db: Database.Database, tables: LedgerTables, echo: Echo): Note[] {
    const before = tables.counters.changes;
    const waiting = this.logged.filter(({ number }) => number > before);
    for (let from = 0; from < waiting.length; from += GROUP_WRITES) {
      this.group(db, tables, echo, waiting.slice(from, from + GROUP_WRITES));
    }
    const found = waiting.filter(({ number }) => number <= this.certain);
    return notesOn(Math.max(0, this.certain - before) - found.length, this.damaged, this.isCut);
  }

  /** Of tasks whose endings do not name theirs: nobody knows whether the artifact store has them. */
  transcripts(tables: LedgerTables): OpenedLedger['transcripts'] {
    return this.logged.flatMap(({ write }) => {
      if (write.kind !== 'end' || !write.transcript) return [];
      const { taskId } = write.task;
      return tables.namesTranscript(taskId) === false ? [{ taskId, transcript: write.transcript }] : [];
    });
  }

  private group(db: Database.Database, tables: LedgerTables, echo: Echo, group: readonly Logged[]): void {
    db.transaction(() => {
      for (const { number, write } of group) {
        // What does not add up is not sealed anew: mending ends such a task.
        if (isWholeFor(write, tables)) tables.applyLogged(number, [write]);
        else tables.skip(number);
        failpoint('during-replay');
      }
      echo.append(tables.settle().filter(({ number }) => number > echo.lastNumber));
    }).immediate();
  }
}

function isWholeFor(write: LoggedWrite, tables: LedgerTables): boolean {
  if (write.kind === 'mark') return tables.isWhole(write.taskId);
  return write.kind !== 'end' || tables.isWhole(write.task.taskId);
}

function notesOn(missing: number, damaged: number, isCut: boolean): Note[] {
  const notes: Note[] = [];
  if (missing > 0) {
    const human = `The journal is damaged. ${missing} writes that were acknowledged are gone from the commit log.`;
    notes.push({ level: 'fail', human, fields: { event: 'journal_damaged', missing_writes: missing } });
  }
  if (damaged > 0 || isCut) {
    const human =
      'The commit log is not whole: the process or the power went while it was written, or it is damaged. What it does not have that may have been acknowledged was named.';
    notes.push({ level: 'warn', human, fields: { event: 'journal_log_torn', writes: damaged } });
  }
  return notes;
}

/** All up to this number was acknowledged, by what the records say. */
export function certainOf(records: readonly LoggedRecord[]): number {
  return records.reduce((most, { after }) => Math.max(most, after), 0);
}

/** The records that may have been acknowledged: one that is missing and was not, as the later ones say, has none of those behind it either. */
export function acknowledgeable(records: readonly LoggedRecord[], certain: number): readonly LoggedRecord[] {
  const end = records.findIndex(({ number }, at) => number - 1 > Math.max(certain, records[at - 1]?.number ?? 0));
  return end < 0 ? records : records.slice(0, end);
}
