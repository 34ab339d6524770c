import type Database from 'better-sqlite3';
import type { SessionUsage } from '../../../tasks/journal/task-journal.port';
import type { KeptBinding, KeptDrain } from '../../../pools/registry/pool-store.port';
import { failpoint } from '../file/failpoints';
import type { Change, ChangeKind } from './echo';
import type { AdmissionWrite, EndingWrite, Expired, RequestOutcome, WriteRequest } from './protocol';
import { statementsOn, type LedgerStatements } from './ledger-statements';
import {
  firstEndState,
  namedTranscript,
  namesTranscript,
  queuedState,
  streamingState,
  withTranscript,
} from './record-codec';
import { isIntact, sealed, type BindingRow, type DrainRow, type NoteRow, type SessionRow, type TaskRow } from './rows';
import { wholeLives, type Life } from './whole-lives';

/** What must be true of the tables, kept in them: see the schema. */
export interface Counters {
  /** The number of the last change. A write of the commit log has the number that it has there, whatever came of it. */
  readonly changes: number;
  readonly lastSeq: number;
  /** Rows of `tasks`, and of `requests`. */
  readonly tasks: number;
  readonly live: number;
}

/** What each kind of write does to the tables. Called within a transaction of the {@link Ledger}. */
export class LedgerTables {
  /** Changes of the transaction that is open. */
  private pending: Change[] = [];
  /** Of the request at hand, and of all its changes. */
  private number = 0;
  /** What the row of the counters says. */
  private stored: Counters;
  private readonly sql: LedgerStatements;

  constructor(
    db: Database.Database,
    public counters: Counters,
  ) {
    this.stored = counters;
    this.sql = statementsOn(db);
  }

  /** Expected refusals are outcomes; whatever is thrown undoes the transaction. */
  apply(request: WriteRequest): RequestOutcome | undefined {
    this.number = this.counters.changes + 1;
    return this.perform(request);
  }

  /**
   * Writes of the commit log, in order; what is a task's whole life is written as one row.
   * @param first the number of the first; the others have the next ones
   * @returns those that came to nothing, for the id is taken; their numbers are passed all the same
   */
  applyLogged(first: number, writes: readonly WriteRequest[]): readonly WriteRequest[] {
    const refused: WriteRequest[] = [];
    const lives = wholeLives(writes);
    writes.forEach((write, at) => {
      this.number = first + at;
      const life = lives.get(at);
      const outcome = life === undefined ? this.perform(write) : life && this.live(life);
      if (outcome && 'failure' in outcome) refused.push(write);
      if (this.counters.changes < this.number) this.counters = { ...this.counters, changes: this.number };
    });
    return refused;
  }

  /** The write of the commit log that has this number is passed over. */
  skip(number: number): void {
    this.counters = { ...this.counters, changes: number };
  }

  /** False for a row that does not add up; true where there is none. */
  isWhole(taskId: string): boolean {
    const row = this.sql.task.get(taskId) as TaskRow | undefined;
    return !row || isIntact(row);
  }

  /** Whether the ending of a task does; undefined where it has not ended, or is not known. */
  namesTranscript(taskId: string): boolean | undefined {
    const ending = (this.sql.task.get(taskId) as TaskRow | undefined)?.[9];
    return ending == null ? undefined : namesTranscript(ending);
  }

  private perform(request: WriteRequest): RequestOutcome | undefined {
    switch (request.kind) {
      case 'admit':
        return this.admit(request.task, request.evicted);
      case 'mark':
        return this.mark(request.taskId, request.placement);
      case 'end':
        return this.end(request.task, request.session);
      case 'transcript':
        return { value: this.nameTranscript(request.taskId, request.artifactId) };
      case 'expire':
        return { value: this.expire(request.keptBeforeMs, request.limit) };
      case 'bind':
        return this.bind(request.binding);
      case 'unbind':
        return this.unbind(request.poolId, request.replicaId);
      case 'drain':
        return this.drain(request.drain);
      case 'undrain':
        return this.undrain(request.poolId);
      case 'note':
        return this.note(request.name, request.text);
      case 'spend':
        return this.spend(request.session);
      case 'forget':
        return this.forget(request.sessionId);
    }
  }

  /** Closes the transaction's books; returns its changes for the echo. A transaction without any writes nothing. */
  settle(): readonly Change[] {
    if (this.counters !== this.stored) {
      const { changes, lastSeq, tasks, live } = this.counters;
      this.sql.putCounters.run(...sealed<CountersRow>(1, changes, lastSeq, tasks, live));
      this.stored = this.counters;
    }
    const settled = this.pending;
    this.pending = [];
    return settled;
  }

  /** The transaction was rolled back to when the counters stood so. */
  undo(counters: Counters): void {
    this.counters = counters;
    this.stored = counters;
    this.pending = [];
  }

  /** Takes the counters from the rows that there are: those of a damaged journal may say something else. */
  recount(changes: number): void {
    const { tasks, live, lastSeq } = this.sql.count.get() as Omit<Counters, 'changes'>;
    this.counters = { changes, lastSeq: Math.max(lastSeq, this.counters.lastSeq), tasks, live };
  }

  private admit(task: AdmissionWrite, evicted: EndingWrite | undefined): RequestOutcome | undefined {
    const { seq, taskId, sessionId, admittedAtMs, admission, prompt } = task;
    const row = sealed<TaskRow>(seq, taskId, sessionId, admittedAtMs, queuedState, 0, null, admission, null, null);
    if (this.sql.insertTask.run(...row).changes === 0) return idTaken;
    this.sql.insertRequest.run(...sealed<RequestRow>(seq, prompt));
    failpoint('after-insert');
    const { changes, lastSeq, tasks, live } = this.counters;
    this.counters = { changes, lastSeq: Math.max(lastSeq, seq), tasks: tasks + 1, live: live + 1 };
    this.changed('admit', taskId);
    return evicted && this.end(evicted, undefined);
  }

  /** A task that was admitted and has ended since. */
  private live({ admission, mark, ending }: Life): RequestOutcome | undefined {
    const { seq, taskId, sessionId, admittedAtMs } = admission.task;
    const { state, keptFromMs, placement = mark?.placement ?? null } = ending.task;
    const marked = mark ? 1 : 0;
    const row = sealed<TaskRow>(
      seq,
      taskId,
      sessionId,
      admittedAtMs,
      state,
      marked,
      keptFromMs,
      admission.task.admission,
      placement,
      ending.task.ending,
    );
    if (this.sql.insertTask.run(...row).changes === 0) {
      this.perform(ending); // Of the task that has the id.
      return idTaken;
    }
    failpoint('after-insert');
    const { changes, lastSeq, tasks, live } = this.counters;
    this.counters = { changes, lastSeq: Math.max(lastSeq, seq), tasks: tasks + 1, live };
    for (const kind of ['admit', 'end'] as const) this.changed(kind, taskId);
    if (ending.session) this.spend(ending.session);
    return undefined;
  }

  /** As if the task had not been admitted. */
  takeBack(seq: number): void {
    const { tasks, live } = this.counters;
    const requests = this.sql.deleteRequest.run(seq).changes;
    const rows = this.sql.deleteTask.run(seq).changes;
    this.counters = { ...this.counters, tasks: tasks - rows, live: live - requests };
  }

  private mark(taskId: string, placement: string): undefined {
    const row = this.liveRow(taskId);
    if (!row) return;
    const [seq, , sessionId, admittedAtMs, , , , admission] = row;
    this.put(
      sealed<TaskRow>(seq, taskId, sessionId, admittedAtMs, streamingState, 1, null, admission, placement, null),
    );
    this.changed('mark', taskId);
  }

  private end(task: EndingWrite, session: SessionUsage | undefined): undefined {
    const { taskId, state, keptFromMs, ending } = task;
    const row = this.liveRow(taskId);
    if (!row) return this.nameTranscriptOf(task);
    const [seq, , sessionId, admittedAtMs, , marked, , admission, placed] = row;
    const placement = task.placement ?? placed;
    this.put(
      sealed<TaskRow>(seq, taskId, sessionId, admittedAtMs, state, marked, keptFromMs, admission, placement, ending),
    );
    const { changes, lastSeq, tasks, live } = this.counters;
    this.sql.deleteRequest.run(seq);
    this.counters = { changes, lastSeq, tasks, live: live - 1 };
    this.changed('end', taskId);
    if (session) this.spend(session);
  }

  /** Another ending of a task: as of one that was evicted, whose transcript is not there yet when that is written. */
  private nameTranscriptOf({ taskId, ending }: EndingWrite): undefined {
    const artifactId = namedTranscript(ending);
    if (artifactId !== undefined) this.nameTranscript(taskId, artifactId);
  }

  private nameTranscript(taskId: string, artifactId: string): boolean {
    const row = this.sql.task.get(taskId) as TaskRow | undefined;
    const named = row?.[9] && withTranscript(row[9], artifactId);
    if (!named) return false;
    const [seq, , sessionId, admittedAtMs, state, marked, keptFromMs, admission, placement] = row;
    this.put(
      sealed<TaskRow>(seq, taskId, sessionId, admittedAtMs, state, marked, keptFromMs, admission, placement, named),
    );
    return true;
  }

  /** Usage only grows: an ending that is written late must not take back what later ones have added. */
  private spend({ sessionId, tokens, timeMs, cost, turns }: SessionUsage): undefined {
    const known = this.sql.session.get(sessionId) as SessionRow | undefined;
    const [, knownTokens, knownTimeMs, knownCost, knownTurns] = known ?? [sessionId, 0, 0, 0, 0];
    const most = [Math.max(tokens, knownTokens), Math.max(timeMs, knownTimeMs), Math.max(cost, knownCost)] as const;
    this.sql.putSession.run(...sealed<SessionRow>(sessionId, ...most, Math.max(turns, knownTurns)));
  }

  private expire(keptBeforeMs: number, limit: number): Expired {
    const due = this.sql.due.all(keptBeforeMs, limit) as [seq: number, taskId: string, ending: string | null][];
    for (const [seq] of due) {
      this.sql.deleteTask.run(seq);
      failpoint('during-expiry');
    }
    if (due.length > 0) this.counters = { ...this.counters, tasks: this.counters.tasks - due.length };
    const withEvents = due.filter(([, , ending]) => ending === null || !namesTranscript(ending));
    return { count: due.length, withEvents: withEvents.map(([, taskId]) => taskId) };
  }

  private bind({ poolId, replicaId, engine, url, source, ...more }: KeptBinding): undefined {
    const { ttlMs = null, apiKeyFile = null, slotsTotal = null } = more;
    const row = sealed<BindingRow>(poolId, replicaId, engine, url, source, ttlMs, apiKeyFile, slotsTotal);
    this.sql.putBinding.run(...row);
    this.changed('bind', `${poolId}/${replicaId}`);
  }

  private unbind(poolId: string, replicaId: string): undefined {
    if (this.sql.deleteBinding.run(poolId, replicaId).changes > 0) this.changed('unbind', `${poolId}/${replicaId}`);
  }

  private drain({ poolId, deadlineMs, deadlineAtMs }: KeptDrain): undefined {
    this.sql.putDrain.run(...sealed<DrainRow>(poolId, deadlineMs, deadlineAtMs));
    this.changed('drain', poolId);
  }

  private undrain(poolId: string): undefined {
    if (this.sql.deleteDrain.run(poolId).changes > 0) this.changed('undrain', poolId);
  }

  private note(name: string, text: string): undefined {
    this.sql.putNote.run(...sealed<NoteRow>(name, text));
    this.changed('note', name);
  }

  private forget(sessionId: string): undefined {
    if (this.sql.deleteSession.run(sessionId).changes > 0) this.changed('forget', sessionId);
  }

  private liveRow(taskId: string): TaskRow | undefined {
    const row = this.sql.task.get(taskId) as TaskRow | undefined;
    return row && row[4] < firstEndState ? row : undefined;
  }

  private put(row: TaskRow): void {
    const [seq, , , , state, marked, keptFromMs, , placement, ending, checksum] = row;
    this.sql.updateTask.run(state, marked, keptFromMs, placement, ending, checksum, seq);
  }

  private changed(kind: ChangeKind, subject: string): void {
    const { number } = this;
    const { lastSeq, tasks, live } = this.counters;
    this.counters = { changes: number, lastSeq, tasks, live };
    this.pending.push({ number, kind, subject });
  }
}

const idTaken: RequestOutcome = {
  failure: { code: 'TASK_CONFLICT', reason: 'the journal has a task of this id or number' },
};

type RequestRow = readonly [seq: number, prompt: string, checksum: number];
export type CountersRow = readonly [
  id: number,
  changes: number,
  lastSeq: number,
  tasks: number,
  live: number,
  checksum: number,
];
