import { ServiceError } from '../../errors/service-error';
import type { StoringTranscript } from '../../tasks/task/storing-transcript';
import type { CommitLog } from './log/commit-log';
import { encodeBody } from './log/logged-body';
import type { KnownIds } from './log/known-ids';
import { LogTakeover, nameStored, type LoggedEntry } from './log/log-takeover';
import { admittedOf, changesOf, taskOf, unitsOf } from './log/write-facts';
import type { Echo } from './tables/echo';
import type { Failure, LedgerRequest, WriteRequest, Written } from './tables/protocol';

/** After the commit log could not be written, until the next try. */
const RETRY_MS = 500;
/** So long after the database took something over for the last time, the commit log is wiped of what it has held. */
const IDLE_MS = 5000;
/** Code units of text in a write that the log takes; larger ones go to the database at once, or the log would be full of them. */
const LOGGED_MAX_UNITS = 64 * 1024;
/** Bytes of a write in the log at most, without its long texts. */
const WRITE_BYTES = 512;
/** Bytes of a code unit of its long texts at most: they stand there in UTF-8, unescaped. */
const UNIT_BYTES = 3;

interface Appending {
  readonly group: readonly Waiting[];
  readonly over: Promise<boolean>;
}

interface Waiting {
  readonly write: WriteRequest;
  readonly transcript: StoringTranscript | undefined;
  /** Of all its texts, in code units. */
  readonly units: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** The log could not be written. */
  isUnlogged: boolean;
}

/**
 * Makes writes durable, in the order of their calls. What tasks do all the time (admissions, marks, endings) is written to the commit
 * log and acknowledged, and the database gets it some milliseconds later. Everything else, and those where a check has to come first
 * (an id that may be taken, a disk that may be full), goes to the database at once and is acknowledged when that has synced it; what
 * the log has comes before it. In this class and those of its folder `log`, "the log" is the commit log.
 */
export class JournalWriter {
  /** What is not acknowledged. */
  private readonly queue: Waiting[] = [];
  private running: Promise<void> | undefined;
  /** What is being appended to the log, of the first in the queue. */
  private appending: Appending | undefined;
  /** A second one, of the next in the queue. */
  private beside: Promise<boolean> | undefined;
  /** Why admissions were refused in this turn: who gave them may not know yet. */
  private readonly refused = new Map<string, Error>();
  private readonly takeover: LogTakeover;
  private log: CommitLog | undefined;
  private echo: Echo | undefined;
  private logRetryAtMs = 0;
  private idle: NodeJS.Timeout | undefined;
  private isClosed = false;

  /**
   * @param call asks the thread of the database
   * @param lastChange the number of the last write that the database has
   * @param hasRoom room is secured for what the log may take
   */
  constructor(
    private readonly call: (request: LedgerRequest) => Promise<unknown>,
    private readonly ids: KnownIds,
    private lastChange: number,
    private hasRoom: boolean,
  ) {
    this.takeover = new LogTakeover(call, applied => {
      this.hasRoom = applied.hasRoom;
      if (this.log?.wantsRelease) void this.release();
      this.wipeLater();
    });
  }

  /** From here on the log is used. What it held before is in the database. */
  use(log: CommitLog, echo: Echo): void {
    this.log = log;
    this.echo = echo;
  }

  /** Whether an ending can bring along a transcript of so many code units, which the artifact store may not have yet. */
  takesTranscript(units: number): boolean {
    return this.isLogging() && units <= LOGGED_MAX_UNITS / 2;
  }

  /**
   * Resolves once it is durable, to what the database has to say of it; always to undefined for what went into the log.
   * @param transcript of an ending, which names it once the artifact store has it
   * @throws ServiceError STORAGE_UNAVAILABLE, TASK_CONFLICT for an id that is taken, INTERNAL; of a mark or an ending that was given
   * while its task was being admitted also what that was refused with, for another task may have the id
   */
  write(write: WriteRequest, transcript?: StoringTranscript): Promise<unknown> {
    if (write.kind === 'admit') this.refused.delete(write.task.taskId);
    const refusal = this.refused.get(admittedOf(write) ?? '');
    if (refusal) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const units = unitsOf(write) + (transcript?.json.length ?? 0);
      this.queue.push({ write, transcript, units, resolve, reject, isUnlogged: false });
      if (this.running) this.appendBeside();
      else this.running = this.run();
    });
  }

  /** Resolves when the database has all that is acknowledged, to false where it cannot take it now: for whoever reads there. */
  settled(): Promise<boolean> {
    return this.takeover.settled();
  }

  /** What is acknowledged of a task and not in the database yet, in its order. */
  entriesOf(taskId: string): readonly LoggedEntry[] {
    return this.takeover.entriesOf(taskId);
  }

  /** Writes what is pending. What the database cannot take stays in the log, for the next start. */
  async close(): Promise<void> {
    await this.running;
    await this.takeover.settled();
    if (this.log) await this.release();
    this.isClosed = true;
    this.takeover.close();
    clearTimeout(this.idle);
  }

  /** Wipes the log where the database has all of it. To be called after the database is closed, which syncs it. */
  async closeLog(): Promise<void> {
    await this.log?.wipe().catch(() => undefined); // Of what is left there, what was released is in the database too.
    this.log?.close();
    this.echo?.close();
    this.log = undefined;
    this.echo = undefined;
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      const next = this.isLogging() ? this.nextLogged(this.queue) : [];
      if (next.length > 0) await this.appendFirst(next);
      else if (this.isHeldUp()) await this.makeRoom();
      else await this.writeThrough(this.nextUnlogged());
    }
    this.running = undefined;
  }

  private isLogging(): boolean {
    return this.log !== undefined && !this.takeover.isFailing && performance.now() >= this.logRetryAtMs;
  }

  /** True for what the log takes, if not now then once the database has caught up. */
  private isForLog({ write, units, isUnlogged }: Waiting): boolean {
    if (isUnlogged || units > LOGGED_MAX_UNITS) return false;
    if (write.kind !== 'admit') return write.kind === 'mark' || write.kind === 'end';
    return this.hasRoom && Number.isSafeInteger(write.task.seq) && !this.ids.mayHave(write.task.taskId);
  }

  /** The first of those that wait, as far as they are for the log and there is room for them, in it and among what the database has to take over. */
  private nextLogged(queue: readonly Waiting[]): Waiting[] {
    const backlog = this.takeover.backlog.copy();
    if (this.appending) for (const waiting of this.appending.group) backlog.count(waiting);
    const next: Waiting[] = [];
    let units = 0;
    for (const waiting of queue) {
      if (!this.isForLog(waiting)) break;
      backlog.count(waiting);
      units += waiting.units;
      if (!backlog.isWithin(1) || !this.fitsLog(next.length + 1, units)) break;
      next.push(waiting);
      // At once, so that no other of the same id comes with it.
      if (waiting.write.kind === 'admit') this.ids.add(waiting.write.task.taskId);
    }
    return next;
  }

  private fitsLog(writes: number, units: number): boolean {
    return this.log?.hasRoomFor(writes, UNIT_BYTES * units + writes * WRITE_BYTES) ?? false;
  }

  /** The first that waits is for the log, and there is room for it once the database has more of what is there. */
  private isHeldUp(): boolean {
    const [first] = this.queue;
    if (!first || !this.isLogging() || !this.isForLog(first)) return false;
    return this.takeover.backlog.writes > 0 || this.log?.wantsRelease === true;
  }

  private async makeRoom(): Promise<void> {
    if (await this.takeover.settled()) await this.release();
  }

  /** The first of those that wait, up to one for the log, or one of a task that is admitted with them: it may be refused. */
  private nextUnlogged(): Waiting[] {
    const isLogging = this.isLogging();
    const admitted = new Set<string | undefined>();
    const end = this.queue.findIndex((waiting, at) => {
      const { write } = waiting;
      if (write.kind === 'admit') admitted.add(write.task.taskId);
      return at > 0 && (admitted.has(admittedOf(write)) || (isLogging && this.isForLog(waiting)));
    });
    return this.queue.slice(0, end < 0 ? this.queue.length : end);
  }

  /** Resolves when what was appended beside it is over too. Never rejects. */
  private async appendFirst(group: readonly Waiting[]): Promise<void> {
    const over = this.append(group, this.lastChange + 1);
    this.appending = { group, over };
    await over;
    this.appending = undefined;
    await this.beside;
    this.beside = undefined;
  }

  /** What waits for the same task as the one that is being appended, and alone: it need not wait for that to be over. */
  private appendBeside(): void {
    const { appending, queue } = this;
    if (this.beside || appending?.group.length !== 1 || queue.length !== 2) return;
    const [first, second] = queue as [Waiting, Waiting];
    if (first !== appending.group[0]) return; // That one is acknowledged already.
    const taskId = taskOf(first.write);
    if (taskId === undefined || taskOf(second.write) !== taskId || !this.isLogging() || this.log?.takesAppend !== true)
      return;
    const next = this.nextLogged([second]);
    if (next.length > 0) this.beside = this.append(next, this.lastChange + 2, appending.over);
  }

  /**
   * Resolves to whether the log has it. Never rejects.
   * @param before what is being appended; without it, this is not kept either
   */
  private async append(group: readonly Waiting[], first: number, before?: Promise<boolean>): Promise<boolean> {
    const writes = group.map(({ write }) => write);
    const after = this.lastChange;
    try {
      const records = group.map(({ write, transcript }, at) => ({
        number: first + at,
        after,
        body: encodeBody(write, transcript),
      }));
      const appended = this.log?.append(records, writes);
      // Best effort, as that of the database: a later loss of what was written would only be noticed less well.
      const echoed = this.echo?.appendSoon(writes.flatMap((write, at) => changesOf(write, first + at)));
      await appended;
      await echoed;
      if ((await before) === false) throw new Error('what comes before it was not appended');
    } catch {
      // What is wrong with the files the thread of the database finds out, and tells.
      this.logRetryAtMs = performance.now() + RETRY_MS;
      for (const waiting of group) waiting.isUnlogged = true;
      this.wipeLater(); // Some of it may stand there.
      return false;
    }
    this.queue.splice(0, group.length);
    this.lastChange += group.length;
    this.takeover.add(
      group.map(({ write, transcript, units }, at) => ({ number: first + at, write, transcript, units })),
    );
    for (const { resolve } of group) resolve(undefined);
    return true;
  }

  private async writeThrough(group: readonly Waiting[]): Promise<void> {
    this.queue.splice(0, group.length);
    try {
      if (!(await this.takeover.settled()))
        throw failed({ code: 'STORAGE_UNAVAILABLE', reason: 'the database is behind' });
      const writes: WriteRequest[] = [];
      for (const { write, transcript } of group) writes.push(transcript ? await nameStored(write, transcript) : write);
      const { outcomes, lastChange, hasRoom } = (await this.call({ kind: 'write', writes })) as Written;
      this.lastChange = lastChange;
      // No release: where nothing came of the group, nothing was synced.
      this.hasRoom = hasRoom;
      group.forEach((waiting, at) => {
        const { write, resolve } = waiting;
        const outcome = outcomes[at];
        if (outcome && 'failure' in outcome) return this.refuse(waiting, failed(outcome.failure));
        if (write.kind === 'admit') this.ids.add(write.task.taskId);
        resolve(outcome?.value);
      });
    } catch (thrown) {
      for (const waiting of group) this.refuse(waiting, thrown as Error);
    }
  }

  /** With an admission what was given of its task meanwhile, which would be taken for that of who has the id. */
  private refuse({ write, reject }: Waiting, error: Error): void {
    reject(error);
    if (write.kind !== 'admit') return;
    const { taskId } = write.task;
    this.refused.set(taskId, error);
    setImmediate(() => this.refused.delete(taskId));
    for (const behind of this.queue.filter(waiting => admittedOf(waiting.write) === taskId)) {
      this.queue.splice(this.queue.indexOf(behind), 1);
      behind.reject(error);
    }
  }

  /** Syncs the database, so that what it has taken over may be overwritten in the log. Never rejects. */
  private async release(): Promise<void> {
    const upTo = this.lastChange - this.takeover.backlog.writes;
    try {
      await this.call({ kind: 'sync' });
      if (this.logRetryAtMs < Infinity) this.log?.release(upTo);
    } catch {
      // A second sync may succeed though the first has dropped what was to be written: what the log has must stay there.
      this.logRetryAtMs = Infinity;
    }
  }

  private wipeLater(): void {
    if (this.idle) this.idle.refresh();
    else this.idle = setTimeout(() => void this.wipe(), IDLE_MS);
  }

  private async wipe(): Promise<void> {
    if (await this.takeover.settled()) await this.release();
    const isWiped = await this.log?.wipe().catch(() => false);
    if (isWiped === false && !this.isClosed) this.idle?.refresh();
  }
}

function failed({ code, reason }: Failure): Error {
  if (code === 'TASK_CONFLICT') return new ServiceError(code, { field: 'task_id' }, new Error(reason));
  return new ServiceError(code === 'INTERNAL' ? code : 'STORAGE_UNAVAILABLE', {}, new Error(reason));
}
