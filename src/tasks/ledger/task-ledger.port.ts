import type { Observable } from 'rxjs';
import type { EngineUsage } from '../../engines/engine-adapter.port';
import type { ServiceError } from '../../errors/service-error';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { LaneDepth, QueueDepth, QueueDepths } from '../../pools/placement/queue-depths.port';
import type { Lease } from '../../pools/registry/pool';
import type { SessionStatus, Spend } from '../../sessions/session-store.port';
import type { MaybeLater } from '../../time/maybe-later';
import type { StoringTranscript } from '../task/storing-transcript';
import type {
  AdmissionFacts,
  EndState,
  Placement,
  PredictedStart,
  PreparationStep,
  Priority,
  TaskEnding,
  TaskSpec,
} from '../task/task';
import type { LaneAhead } from './lane-ahead';

/** A task that passed every rule that can be judged without the ledger. */
export interface Submission {
  readonly spec: TaskSpec;
  /** See {@link AdmissionFacts.requestHash}. */
  readonly requestHash: string;
  readonly predictedStartMs: number;
  readonly predictedStart: PredictedStart;
  readonly preparation: readonly PreparationStep[];
}

export type AdmitOutcome = Admitted | KnownTask | Refusal;

export interface Admitted {
  readonly kind: 'admitted';
  readonly facts: AdmissionFacts;
  /** What its session can still use. */
  readonly remaining: Spend;
  /** Given where a slot is free and nobody waits for it: the caller runs it. */
  readonly claim?: Claim;
  /**
   * Resolves once the admission is durable, to the task that lost its place for it, if one did: the caller concludes that one. Rejects
   * with STORAGE_UNAVAILABLE, or TASK_CONFLICT for an id that is recorded already: then nothing of it is kept, its claim is lost, and
   * nobody lost a place.
   */
  readonly durable: Promise<Ended | undefined>;
}

/** The same submission was admitted before, and its task has not ended. */
export interface KnownTask {
  readonly kind: 'known';
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  readonly remaining: Spend;
  /** As that of the first admission. */
  readonly durable: Promise<unknown>;
}

/** Nothing was kept, nobody lost a place. */
export type Refusal =
  /** The id is taken by another request. */
  | { readonly kind: 'conflict' }
  /** No place: the queue is full, or names too many different places, or holds too many bytes. */
  | { readonly kind: 'full'; readonly reason: 'places' | 'lanes' | 'bytes'; readonly isServed: boolean }
  | {
      readonly kind: 'over-budget';
      readonly budget: 'tokens' | 'time' | 'cost';
      /** True when the amount is spent for good, false when it is only reserved by tasks still running. */
      readonly isSpent: boolean;
      readonly session: SessionStatus;
    };

/**
 * The right to run one attempt of a task on one slot: every later write about the attempt presents it, and is refused once
 * somebody else has ended the task or it was given back.
 */
export interface Claim {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  /** Attempts begun so far, this one included. */
  readonly attempt: number;
  /** How often engines had no room for the task. */
  readonly refusals: number;
  readonly lease: Lease;
  /** The attempt runs where the session's last one ran. */
  readonly isWarm: boolean;
  /** What the session could still use when the task was admitted. */
  readonly remaining: Spend;
  /** By the monotonic clock of this node. */
  readonly deadlineAtMs: number;
  /** Engine time that the session has left for the task, in milliseconds from the attempt's start. */
  readonly timeLimitMs: number;
  /** By the monotonic clock of this node. */
  readonly claimedAtMs: number;
  readonly placement: Placement;
  readonly shown: Shown;
  /** False once the claim is lost or given back. */
  readonly isHeld: boolean;
  /** Called once when the claim is lost without its holder's doing: the engine's request must end now. */
  onLost: (() => void) | undefined;
}

/** What readers were shown of a task. Whoever runs its attempt keeps it; an ending by somebody else reports it. */
export interface Shown {
  /** Tokens, those in deltas among them. */
  tokens: number;
  /** Wall clock, at the first output; undefined before it. */
  startedAtMs: number | undefined;
  /** The number that the terminal event gets where that is not the next one. */
  terminalSeq: number | undefined;
}

/** How a task is to end. */
export type EndDraft =
  | { readonly state: 'completed'; readonly usage: EngineUsage }
  | { readonly state: Exclude<EndState, 'completed'>; readonly error: ServiceError };

/** An ending that was won: its slot and place are free, its budgets settled. Not durable and not to be shown before {@link record}. */
export interface Ended {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  readonly draft: EndDraft;
  /** Without the transcript's id. */
  readonly ending: TaskEnding;
  readonly isWarm: boolean;
  readonly terminalSeq: number | undefined;
  /** What the session can still use, this task settled. */
  readonly remaining: Spend;
  /**
   * Resolves to true once the ending is durable, or to false when it could not be made so, or took longer than a second: then it stays
   * owed, and is written as soon as storage takes it. Never rejects.
   * @param transcript is named by the ending once the artifact store has it. A driver that makes it durable together with the ending
   *   need not wait for that; another one waits, with the second counted from then, and names it only if it was stored
   * @param hasUnseen output that nobody has seen is shown with it: storage that is only slow is waited for, however long
   */
  record(transcript: StoringTranscript | undefined, hasUnseen?: boolean): Promise<boolean>;
  /** What is owed is to say this instead: output that nobody has seen may not be shown before it is durable that it may. */
  revise(error: ServiceError): void;
  /** Its admission did not come about: nobody was told of the task, and nobody will be. Known once {@link record} has resolved. */
  readonly isVoid: boolean;
  /** Its terminal event can be seen: who waited for the end of the task goes on. */
  concluded(): void;
}

/** How somebody else wishes a task to end that this node runs. */
export interface AskedEnding {
  readonly taskId: string;
  readonly draft: EndDraft;
}

/** Somebody else ends the task. */
export interface Ending {
  /** Resolves when that is through, or was taken back (an eviction whose admission failed). */
  readonly over: Promise<void>;
}

export interface Requeue {
  /** Why: told should the task's deadline pass before it runs. */
  readonly failure: ServiceError;
  /** Until the same replica may be asked again. */
  readonly delayMs: number;
  /** Until another one may be, where there is one. */
  readonly elsewhereMs: number;
  /** For so long others go first; Infinity: for as long as the task lives. */
  readonly avoidMs: number;
  /** False where the attempt does not count as one: the engine only asked to wait. */
  readonly counts: boolean;
}

/** Those that a start found; see {@link TaskLedger.adopt}. */
export interface Adopted {
  /** Back at their places; their logs are to be opened. */
  readonly queued: readonly LiveTask[];
  /**
   * Output of them may have been seen: to be ended by the caller, with {@link TaskLedger.cancel}, once it has said in
   * {@link LiveTask.shown} what is left of it.
   */
  readonly interrupted: readonly LiveTask[];
}

/** A task between its admission and its end, as it stands now. */
export interface LiveTask {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  readonly state: 'queued' | 'dispatching' | 'streaming';
  readonly isEnding: boolean;
  /** Attempts begun so far. */
  readonly attempts: number;
  /** Why its last attempt failed; undefined where none has. */
  readonly lastFailure: ServiceError | undefined;
  /** Where its attempt runs; undefined while none does. */
  readonly placement: Placement | undefined;
  readonly shown: Shown;
}

/**
 * Where tasks, places, slots and budgets change hands. Each verb is one step: it happens as a whole or not at all, whatever else
 * goes on, and the first ending of a task wins. A task that ended is known no more here; its record is (TaskRecords).
 *
 * Order: by key, ties by sequence, over all lanes; a lane is one set of places that can run a task. What the free slots cannot
 * run never keeps what they can run from them. Capacity bounds admissions; a task that was accepted once has a right to its place.
 *
 * Left out: what may be judged without it (admission's rules), how an attempt runs (dispatch), what readers see (EventLog).
 *
 * Cost of the embedded driver: `admit`, `claim`, `cancel`, `position` some microseconds at a million queued tasks, in the number
 * of lanes linear. Verbs answer at once where the driver can; what is written becomes durable in the order of the calls.
 */
export abstract class TaskLedger implements QueueDepths {
  /** Emits when a claim may succeed that would not have before; may be spurious. */
  abstract readonly wake$: Observable<void>;

  /** Emits tasks whose deadline has passed, once or more often: who hears it ends them. */
  abstract readonly overdue$: Observable<string>;

  /** Emits what this node shall end, for it runs the task and another was asked to: with {@link cancel}, as that one wished. */
  abstract readonly asked$: Observable<AskedEnding>;

  /** Emits tasks of a node that is no more, as {@link Adopted.interrupted} names those that a start finds. */
  abstract readonly interrupted$: Observable<LiveTask>;

  /**
   * Same id before? budgets, capacity, eviction, sequence, position: in one step. At capacity it is refused, or with the policy
   * `drop-lru` the task queued longest gives up its place.
   */
  abstract admit(submission: Submission): MaybeLater<AdmitOutcome>;

  /** Drops the task queued longest where the queue (of the served, or of the others) is full; see {@link admit}. */
  abstract makeRoom(constraints: PlacementConstraints): MaybeLater<Ended | undefined>;

  /** The first task in order that some free slot may run, with the best such slot; undefined where there is none. */
  abstract claim(): MaybeLater<Claim | undefined>;

  /** A queued task for a lease that is none of a pool's (the stand-in's); undefined when it is not queued any more. */
  abstract claimFor(taskId: string, lease: Lease): MaybeLater<Claim | undefined>;

  /**
   * Resolves to true once it is durable that output of this attempt may be seen: the task is never run again. False for a claim
   * that is not held. @throws ServiceError STORAGE_UNAVAILABLE
   */
  abstract markFirstToken(claim: Claim): Promise<boolean>;

  /** Gives an attempt that has shown nothing back: the task returns to its old place. False for a claim that is not held. */
  abstract requeue(claim: Claim, how: Requeue): MaybeLater<boolean>;

  /** Ends the claimed task; undefined for a claim that is not held. */
  abstract end(claim: Claim, draft: EndDraft): MaybeLater<Ended | undefined>;

  /**
   * Ends a task wherever it is; undefined when it is not live. Who runs it knows what was shown of it, so a task that runs on another node
   * is ended by that one: then what is returned says when it is over.
   */
  abstract cancel(taskId: string, draft: EndDraft): MaybeLater<Ended | Ending | undefined>;

  /** Lets go of this node's claims that have shown nothing, for a shutdown: their tasks stay as they were admitted. */
  abstract abandonAll(): void;

  /** Takes over what a process that is no more had: places as they were, and what it may have shown for the caller to end. */
  abstract adopt(): Promise<Adopted>;

  abstract find(taskId: string): MaybeLater<LiveTask | undefined>;

  /**
   * Resolves once what there is of this task is durable: whoever sends it again is told of it no sooner. At once where there is nothing.
   * @throws ServiceError STORAGE_UNAVAILABLE
   */
  abstract confirm(taskId: string): Promise<void>;

  /** All of them, whichever node they are at. */
  abstract live(): MaybeLater<Iterable<LiveTask>>;

  /** Those that this node runs, or ends. */
  abstract running(): Iterable<LiveTask>;

  /** How many queued tasks go before it (0-based); undefined when it is not queued. */
  abstract position(taskId: string): MaybeLater<number | undefined>;

  /** As this node last saw it. */
  abstract depth(): QueueDepth;

  abstract laneDepths(): MaybeLater<readonly LaneDepth[]>;

  /** What would go before a task were it admitted now, by lane: exact in number, and in sums as near as the store can tell. */
  abstract ahead(priority: Priority): MaybeLater<readonly LaneAhead[]>;

  /** What goes before a queued task; nothing before one that is not queued. */
  abstract aheadOf(taskId: string): MaybeLater<readonly LaneAhead[]>;

  /** Writes what is pending and lets go of the store; nothing is asked of it after that. */
  abstract close(): Promise<void>;
}
