import { TurnoverMap } from '../../../collections/turnover-map';
import type { StoringTranscript } from '../../../tasks/task/storing-transcript';
import { APPLY_LIMITS } from '../file/apply-limits';
import type { Applied, LedgerRequest, WriteRequest } from '../tables/protocol';
import { withTranscript } from '../tables/record-codec';
import { taskIdsOf } from './write-facts';

/** So long what the log has waits for more of the same tasks before the database gets it. */
const GATHER_MS = 100;
/** After the database could not be written, until the next try. */
const RETRY_MS = 500;

/** A write that the log has. */
export interface LoggedEntry {
  readonly number: number;
  readonly write: WriteRequest;
  /** Of an ending, which names it once the artifact store has it. */
  readonly transcript: StoringTranscript | undefined;
  /** Of all its texts, in code units. */
  readonly units: number;
}

/** What is in the log and not in the database. */
class Backlog {
  writes = 0;
  private admissions = 0;
  private textUnits = 0;

  count({ write, units }: Pick<LoggedEntry, 'write' | 'units'>, sign: 1 | -1 = 1): void {
    this.writes += sign;
    this.textUnits += sign * units;
    if (write.kind === 'admit') this.admissions += sign;
  }

  /** Whether it is within this part of what it may be. */
  isWithin(part: number): boolean {
    return (
      this.writes <= part * APPLY_LIMITS.writes &&
      this.admissions <= part * APPLY_LIMITS.admissions &&
      this.textUnits <= part * APPLY_LIMITS.textUnits
    );
  }

  copy(): Backlog {
    return Object.assign(new Backlog(), this);
  }
}

/** Gives the database what the log has, up to {@link GATHER_MS} later and many writes at once, in their order. */
export class LogTakeover {
  readonly backlog = new Backlog();
  /** The writes of the backlog that are about each task, in their order. */
  private readonly tasks = new TurnoverMap<string, LoggedEntry[]>();
  private waiting: LoggedEntry[] = [];
  /** How many writes there have been, and how many of them the database has. */
  private added = 0;
  private applied = 0;
  private applying: Promise<boolean> | undefined;
  private gathering: NodeJS.Timeout | undefined;
  private retrying: NodeJS.Timeout | undefined;
  private isClosed = false;

  /**
   * @param call asks the thread of the database
   * @param onApplied told what that answered, each time that it has taken something
   */
  constructor(
    private readonly call: (request: LedgerRequest) => Promise<unknown>,
    private readonly onApplied: (applied: Applied) => void,
  ) {}

  /** The database could not take what it was given, and is not asked again yet: what is logged now would only add to that. */
  get isFailing(): boolean {
    return this.retrying !== undefined;
  }

  /** @param entries the next ones in order */
  add(entries: readonly LoggedEntry[]): void {
    this.added += entries.length;
    for (const entry of entries) {
      this.waiting.push(entry);
      this.backlog.count(entry);
      for (const taskId of taskIdsOf(entry.write)) this.note(taskId, entry);
    }
    if (!this.backlog.isWithin(3 / 4)) void this.apply();
    else this.gathering ??= setTimeout(() => this.gathered(), GATHER_MS);
  }

  /** What is known of a task and not in the database yet, in its order. */
  entriesOf(taskId: string): readonly LoggedEntry[] {
    return this.tasks.get(taskId) ?? [];
  }

  /** Resolves when the database has all that was added before, to false where it cannot take it now. Never rejects. */
  async settled(): Promise<boolean> {
    const { added } = this;
    while (this.applied < added) {
      if (!(await this.apply())) return false;
    }
    return true;
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.gathering);
    clearTimeout(this.retrying);
  }

  private note(taskId: string, entry: LoggedEntry): void {
    const entries = this.tasks.get(taskId);
    if (entries) entries.push(entry);
    else this.tasks.set(taskId, [entry]);
  }

  /** The oldest of a task is in the database. */
  private strike(taskId: string): void {
    const entries = this.tasks.get(taskId);
    entries?.shift();
    if (entries?.length === 0) this.tasks.delete(taskId);
  }

  private gathered(): void {
    this.gathering = undefined;
    void this.apply();
  }

  /** @returns false where the database cannot take it; never rejects */
  private apply(): Promise<boolean> {
    return (this.applying ??= this.applyWaiting().finally(() => (this.applying = undefined)));
  }

  private async applyWaiting(): Promise<boolean> {
    const group = this.waiting;
    const [first] = group;
    if (!first) return true;
    this.waiting = [];
    const writes: WriteRequest[] = [];
    for (const { write, transcript } of group) writes.push(transcript ? await nameStored(write, transcript) : write);
    try {
      const applied = (await this.call({ kind: 'apply', first: first.number, writes })) as Applied;
      for (const entry of group) {
        this.backlog.count(entry, -1);
        for (const taskId of taskIdsOf(entry.write)) this.strike(taskId);
      }
      this.applied += group.length;
      this.onApplied(applied);
      return true;
    } catch {
      this.waiting = [...group, ...this.waiting];
      this.retryLater();
      return false;
    }
  }

  private retryLater(): void {
    if (this.isClosed) return;
    this.retrying ??= setTimeout(() => {
      this.retrying = undefined;
      void this.apply();
    }, RETRY_MS);
  }
}

/** The ending as it is once it is known whether the artifact store has its transcript, which is hurried. Never rejects. */
export async function nameStored(write: WriteRequest, transcript: StoringTranscript): Promise<WriteRequest> {
  transcript.hurry();
  const isStored = transcript.isStored ?? (await transcript.stored);
  if (!isStored || write.kind !== 'end') return write;
  const { task, session } = write;
  return { kind: 'end', task: { ...task, ending: withTranscript(task.ending, transcript.id) ?? task.ending }, session };
}
