import type Database from 'better-sqlite3';
import type { KeptFile } from '../../files/kept-file';
import type { Change, Echo } from './tables/echo';
import { failpoint, slowSync } from './file/failpoints';
import { codeOf, FilesGone, isNoSpace, isStorageFault } from './file/journal-error';
import type { LedgerSpace } from './file/ledger-space';
import type { LedgerTables } from './tables/ledger-tables';
import type { Failure, RequestOutcome, WriteRequest } from './tables/protocol';

/** What one transaction takes at most, so that none outgrows the room of the write-ahead log. */
const GROUP_REQUESTS = 256;
const GROUP_PROMPT_UNITS = 1024 * 1024;

type Outcomes = (RequestOutcome | undefined)[];

/**
 * Group commit: the requests that arrived while the last transaction was syncing are one transaction, synced once.
 *
 * A group fails as a whole where storage fails, or where the files are not in their place any more; without room on the disk its
 * admissions are refused and the rest is tried again, for marks and endings have a reserve. Where one request is at fault, each is
 * tried alone.
 */
export class Ledger {
  private readonly begin: Database.Statement;
  private readonly commit: Database.Statement;
  private readonly rollback: Database.Statement;
  private failing = false;
  private gone = false;
  private echoFails = false;
  private isSynced = true;

  constructor(
    private readonly db: Database.Database,
    private readonly tables: LedgerTables,
    private readonly space: LedgerSpace,
    private readonly echo: Echo,
    /** Those that hold what was committed. */
    private readonly files: readonly KeptFile[],
    /** Told when writing fails, and when it works again (without an error). */
    private readonly onChange: (fault?: unknown) => void,
    private readonly onEchoFault: (fault: unknown) => void,
    /** Told of writes that had been acknowledged and cannot be done: their ids are taken, or one threw (then with the error). */
    private readonly onPassedOver: (writes: readonly WriteRequest[], fault?: unknown) => void = () => undefined,
  ) {
    this.begin = db.prepare('BEGIN IMMEDIATE');
    this.commit = db.prepare('COMMIT');
    this.rollback = db.prepare('ROLLBACK');
  }

  /** How many of the waiting requests the next group takes: at least one. */
  static sizeOfGroup(waiting: readonly WriteRequest[]): number {
    let units = 0;
    let size = 0;
    for (const request of waiting) {
      units += isAdmission(request) ? request.task.prompt.length : 0;
      if (size > 0 && (size === GROUP_REQUESTS || units > GROUP_PROMPT_UNITS)) break;
      size++;
    }
    return size;
  }

  /** Makes requests durable, a group after the other; the outcomes stand at the places of their requests, undefined for "done". */
  write(requests: readonly WriteRequest[]): Outcomes {
    const outcomes: Outcomes = [];
    while (outcomes.length < requests.length) {
      const waiting = requests.slice(outcomes.length);
      outcomes.push(...this.writeGroup(waiting.slice(0, Ledger.sizeOfGroup(waiting))));
    }
    return outcomes;
  }

  /**
   * Takes over what the commit log holds, as one transaction that is not synced: after a loss of power it is done again. What the
   * database has already is left out; where a write is at fault, each is a transaction of its own, and that one is passed over.
   * @param first the number of the first write; the others have the next ones
   * @returns why it cannot be written now, if so: then all of it is to be given again
   * @throws Error where numbers before the first are missing
   */
  apply(first: number, writes: readonly WriteRequest[]): Failure | undefined {
    const done = this.tables.counters.changes + 1 - first;
    if (done < 0) throw new Error(`the commit log is out of step: ${first} comes after ${first + done - 1}`);
    const rest = writes.slice(done);
    try {
      if (this.gone) this.assertInPlace();
      // Admissions have their room already.
      this.space.prepare(0, 0);
      this.transactLogged(first + done, rest);
      return undefined;
    } catch (thrown) {
      if (isStorageFault(thrown) || thrown instanceof FilesGone) {
        this.failed(thrown);
        return unavailable(codeOf(thrown));
      }
      if (rest.length > 1) {
        for (let at = 0; at < rest.length; at++) {
          const failure = this.apply(first + done + at, rest.slice(at, at + 1));
          if (failure) return failure;
        }
        return undefined;
      }
      return this.passOver(first + done, rest, thrown);
    }
  }

  private writeGroup(group: readonly WriteRequest[]): Outcomes {
    try {
      if (this.gone) this.assertInPlace();
      if (!this.hasRoom(group)) return this.writeWithoutAdmissions(group);
      return this.transact(group);
    } catch (thrown) {
      if (isNoSpace(thrown) && group.some(isAdmission)) return this.writeWithoutAdmissions(group);
      if (isStorageFault(thrown) || thrown instanceof FilesGone) return this.fail(group, thrown);
      return group.length === 1
        ? [{ failure: internal(thrown) }]
        : group.flatMap(request => this.writeGroup([request]));
    }
  }

  private writeWithoutAdmissions(group: readonly WriteRequest[]): Outcomes {
    const rest = group.filter(request => !isAdmission(request));
    const outcomes = rest.length > 0 ? this.writeGroup(rest) : [];
    const refusal: RequestOutcome = { failure: unavailable('no room on the disk') };
    let next = 0;
    return group.map(request => (isAdmission(request) ? refusal : outcomes[next++]));
  }

  private fail(group: readonly WriteRequest[], thrown: unknown): Outcomes {
    this.failed(thrown);
    return group.map(() => ({ failure: unavailable(codeOf(thrown)) }));
  }

  private failed(thrown: unknown): void {
    if (!this.failing) this.onChange(thrown);
    this.failing = true;
  }

  private transactLogged(first: number, writes: readonly WriteRequest[]): void {
    if (writes.length === 0) return;
    this.syncCommits(false);
    let refused: readonly WriteRequest[] = [];
    const changes = this.transaction(writes, () => (refused = this.tables.applyLogged(first, writes)));
    this.settled(writes, changes, []);
    if (refused.length > 0) this.onPassedOver(refused);
  }

  /** A write that was acknowledged and cannot be done: it must not keep those behind it from being done. */
  private passOver(number: number, writes: readonly WriteRequest[], thrown: unknown): Failure | undefined {
    try {
      this.transaction([], () => this.tables.skip(number));
    } catch (fault) {
      if (!isStorageFault(fault)) throw fault;
      this.failed(fault);
      return unavailable(codeOf(fault));
    }
    this.onPassedOver(writes, thrown);
    return undefined;
  }

  private transact(group: readonly WriteRequest[]): Outcomes {
    let outcomes: Outcomes = [];
    this.syncCommits(true);
    const changes = this.transaction(group, () => (outcomes = group.map(request => this.tables.apply(request))));
    const admitted = group.filter((request, at): request is Admission => isAdmission(request) && !outcomes[at]);
    this.settled(group, changes, admitted);
    return outcomes;
  }

  /** Whether commits are synced from now on. */
  private syncCommits(isWanted: boolean): void {
    if (isWanted === this.isSynced) return;
    this.db.pragma(`synchronous = ${isWanted ? 'FULL' : 'NORMAL'}`);
    this.isSynced = isWanted;
  }

  private transaction(group: readonly WriteRequest[], work: () => unknown): readonly Change[] {
    const countersBefore = this.tables.counters;
    let changes: readonly Change[];
    failpoint('before-begin', group);
    try {
      this.begin.run();
      work();
      changes = this.tables.settle();
      failpoint('before-commit', group);
      if (this.isSynced) slowSync();
      this.commit.run();
    } catch (thrown) {
      this.tables.undo(countersBefore);
      if (this.db.inTransaction) this.rollback.run();
      throw thrown;
    }
    failpoint('after-commit', group);
    return changes;
  }

  private settled(group: readonly WriteRequest[], changes: readonly Change[], admitted: readonly Admission[]): void {
    this.assertStored(admitted);
    this.echoOf(changes);
    failpoint('after-echo', group);
    if (this.failing) this.onChange();
    this.failing = false;
  }

  /**
   * What was committed counts as done only if it is where the next start looks for it: asked after the commit, so that whatever
   * happens to the files later happens to what was acknowledged before. They may be put back, so what is refused must not be in them.
   */
  private assertStored(admitted: readonly Admission[]): void {
    try {
      this.assertInPlace();
    } catch (thrown) {
      if (admitted.length > 0) this.takeBack(admitted);
      throw thrown;
    }
  }

  private assertInPlace(): void {
    const missing = this.files.find(file => !file.isInPlace);
    this.gone = missing !== undefined;
    if (missing) throw new FilesGone(missing.path);
  }

  private takeBack(admitted: readonly Admission[]): void {
    const countersBefore = this.tables.counters;
    try {
      this.begin.run();
      for (const { task } of admitted) this.tables.takeBack(task.seq);
      this.tables.settle();
      this.commit.run();
    } catch {
      // Of files that nobody finds, nothing more can be asked.
      this.tables.undo(countersBefore);
      if (this.db.inTransaction) this.rollback.run();
    }
  }

  /** The transaction is durable whatever happens here: only a later loss of it would be noticed less well. */
  private echoOf(changes: readonly Change[]): void {
    try {
      this.echo.append(changes);
      this.echoFails = false;
    } catch (thrown) {
      if (!this.echoFails) this.onEchoFault(thrown);
      this.echoFails = true;
    }
  }

  private hasRoom(group: readonly WriteRequest[]): boolean {
    let bytes = 0;
    const admissions = group.filter(isAdmission);
    for (const { task } of admissions) bytes += Buffer.byteLength(task.admission) + Buffer.byteLength(task.prompt);
    return this.space.prepare(admissions.length, bytes);
  }
}

type Admission = Extract<WriteRequest, { kind: 'admit' }>;

function isAdmission(request: WriteRequest): request is Admission {
  return request.kind === 'admit';
}

function unavailable(reason: string): Failure {
  return { code: 'STORAGE_UNAVAILABLE', reason };
}

function internal(thrown: unknown): Failure {
  return { code: 'INTERNAL', reason: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown) };
}
