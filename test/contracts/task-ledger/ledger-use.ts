import { ServiceError } from '../../../src/errors/service-error';
import type {
  AdmitOutcome,
  Admitted,
  Claim,
  EndDraft,
  Ended,
  Submission,
  TaskLedger,
} from '../../../src/tasks/ledger/task-ledger.port';
import type { TaskRecords } from '../../../src/tasks/ledger/task-records.port';
import type { SessionStatus, SessionStore } from '../../../src/sessions/session-store.port';
import type { TaskSpec } from '../../../src/tasks/task/task';
import type { MaybeLater } from '../../../src/time/maybe-later';
import { plainSpec } from '../journal-samples';

export interface LedgerSettings {
  readonly capacity?: number;
  readonly unservedCapacity?: number;
  readonly policy?: 'reject' | 'drop-lru';
  readonly batchAgeingMs?: number;
  readonly tokensBudget?: number;
  readonly timeBudgetMs?: number;
}

/** A ledger over pools that a test can change, on a clock that it moves. */
export interface LedgerUnderTest {
  readonly ledger: TaskLedger;
  readonly records: TaskRecords;
  /** As another node reads them, of a store that has several. */
  readonly recordsElsewhere?: TaskRecords;
  /** Binds `pool/replica`, ready, with so many slots. */
  bind(name: string, slots: number): Promise<void>;
  /** The engine is gone: the replica is bound, and not ready. */
  lose(name: string): Promise<void>;
  slotsFree(name: string): number;
  readonly sessions: SessionStore;
  session(sessionId: string): MaybeLater<SessionStatus>;
  advance(ms: number): Promise<void>;
  /** What is written from here on waits; what is returned lets it through, or makes it fail. Of a driver that answers before it has written. */
  hold?(): (fails: boolean) => void;
  /** Another process on the same store, after this one is no more. */
  reopen(): Promise<LedgerUnderTest>;
  close(): Promise<void>;
}

export const completed: EndDraft = { state: 'completed', usage: { tokensOut: 3, decodeMs: 40, finishReason: 'stop' } };
export const failure = new ServiceError('WORKER_RESET');
export const cancelled: EndDraft = { state: 'cancelled', error: new ServiceError('CANCELLED') };

const predictedStart = { earliestMs: 0, latestMs: 0, basis: 'assumed' } as const;

export function submissionOf(taskId: string, more: Partial<TaskSpec> = {}, requestHash = taskId): Submission {
  return {
    spec: plainSpec(taskId, { maxTokens: 10, ...more }),
    requestHash,
    predictedStartMs: 0,
    predictedStart,
    preparation: [],
  };
}

export function pinned(poolId: string): Partial<TaskSpec> {
  return { constraints: { pinPoolId: poolId, preferPools: [], avoidPools: [], workload: 'completion' } };
}

/** What the parts of the contract share: the ledger that is tested, made anew for each test, and how it is used. */
export class LedgerUse {
  test!: LedgerUnderTest;

  /** @param answersEarly the driver answers before it has written: what it does when that fails is tested too */
  constructor(
    private readonly setUp: (settings: LedgerSettings) => Promise<LedgerUnderTest>,
    readonly answersEarly: boolean,
  ) {}

  get ledger(): TaskLedger {
    return this.test.ledger;
  }

  readonly start = async (settings: LedgerSettings = {}): Promise<void> => {
    this.test = await this.setUp(settings);
    await this.ledger.adopt();
  };

  readonly hold = (): ((fails: boolean) => void) => {
    if (!this.test.hold) throw new Error('this driver cannot be held back');
    return this.test.hold();
  };

  /** Another process on the same store, after this one is no more; it has not taken over yet. */
  readonly reopen = async (): Promise<void> => {
    this.test = await this.test.reopen();
  };

  readonly admit = async (taskId: string, more: Partial<TaskSpec> = {}): Promise<Admitted> => {
    const outcome = await this.ledger.admit(submissionOf(taskId, more));
    if (outcome.kind !== 'admitted') throw new Error(`${taskId} was not admitted: ${JSON.stringify(outcome)}`);
    await outcome.durable;
    return outcome;
  };

  readonly claimed = async (): Promise<string | undefined> => (await this.ledger.claim())?.spec.taskId;

  readonly claimAll = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let id = await this.claimed(); id !== undefined; id = await this.claimed()) ids.push(id);
    return ids;
  };

  readonly mustClaim = async (): Promise<Claim> => {
    const claim = await this.ledger.claim();
    if (!claim) throw new Error('nothing could be claimed');
    return claim;
  };

  /** Ends the way a node does: won, durable, concluded. */
  readonly conclude = async (ended: Ended | undefined): Promise<boolean> => {
    if (!ended) return false;
    await ended.record(undefined);
    ended.concluded();
    return true;
  };

  readonly cancel = async (taskId: string): Promise<boolean> => {
    const outcome = await this.ledger.cancel(taskId, cancelled);
    return outcome !== undefined && 'ending' in outcome && this.conclude(outcome);
  };

  readonly kindOf = async (submission: Submission): Promise<AdmitOutcome['kind']> =>
    (await this.ledger.admit(submission)).kind;
}
