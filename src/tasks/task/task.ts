import type { Operation } from '../../engines/engine-adapter.port';
import type { ErrorCode } from '../../errors/catalogue';
import type { PlacementConstraints } from '../../pools/placement/constraints';

export const priorities = ['interactive', 'batch'] as const;
export type Priority = (typeof priorities)[number];

export const taskStates = [
  'queued',
  'dispatching',
  'streaming',
  'completed',
  'failed',
  'cancelled',
  'expired',
  'dropped',
] as const;
export type TaskState = (typeof taskStates)[number];
export type EndState = 'completed' | 'failed' | 'cancelled' | 'expired' | 'dropped';

/** Sampling parameters of a completion; an absent one is left to the engine. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repeatPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
}

/** What a client asked for, validated and with every default filled in. Never changed after admission. */
export interface TaskSpec {
  readonly taskId: string;
  readonly sessionId: string;
  /** True where the client named no session: the task's own is forgotten with it. */
  readonly ownSession: boolean;
  readonly priority: Priority;
  readonly constraints: PlacementConstraints;
  /** Undefined: a plain completion of the prompt, steered by {@link sampling}. */
  readonly operation?: Operation;
  /** The prompt; with an {@link operation} the body of it, as JSON. */
  readonly prompt: string;
  /** Over all choices. */
  readonly maxTokens: number;
  readonly expectedTokens?: number;
  /** From admission to end, on the monotonic clock. */
  readonly deadlineMs: number;
  readonly sampling: Sampling;
  /** `end`: it came by a request that waits for it; with that it ends, at once, and it is not run for nobody after a restart. */
  readonly onDisconnect: 'cancel' | 'continue' | 'end';
  /** Nobody sees its output before it has ended; so it can be run again for as long as it has not. */
  readonly isWithheld?: boolean;
  readonly correlationId: string;
  /** `token:<fp6>` of the request's bearer token, where it had one. */
  readonly identity?: string;
}

/** What was decided and told at admission. */
export interface AdmissionFacts {
  /** Lower-case hex SHA-256 of the canonical request body: equal bodies are one admission, others a conflict. */
  readonly requestHash: string;
  /** Wall clock. */
  readonly admittedAtMs: number;
  /** The static order of the queue: smaller goes first; ties by {@link seq}. */
  readonly orderKey: number;
  readonly seq: number;
  readonly queuePosition: number;
  readonly predictedStartMs: number;
  readonly predictedStart: PredictedStart;
  readonly preparation: readonly PreparationStep[];
}

/** How sure a predicted start is, in milliseconds from when it was told. */
export interface PredictedStart {
  readonly earliestMs: number;
  readonly latestMs: number;
  /** `measured`: eight of ten starts fall inside the range. `assumed`: the pools have not shown their pace yet. */
  readonly basis: 'measured' | 'assumed';
}

/** Something that has to happen before a task can start. */
export interface PreparationStep {
  readonly kind: 'model_load' | 'pool_warmup';
  readonly detail: string;
}

/** The replica an attempt runs on. */
export interface Placement {
  readonly engine: string;
  readonly engineVersion: string;
  readonly poolId: string;
  readonly replicaId: string;
  /** The model that runs, by its engine's name for it; undefined where the engine declares none. */
  readonly model?: string;
}

export interface TaskUsage {
  readonly tokensIn: number;
  /** Of them, those that the engine had in its cache; undefined where it did not say. */
  readonly tokensCached?: number;
  readonly tokensOut: number;
  /** Reading the prompt took the engine so long; undefined where it did not say. */
  readonly promptMs?: number;
  readonly decodeMs: number;
  /** Of the generated tokens, in the unit of `ORCHD_COST_PER_1K_TOKENS`. */
  readonly cost: number;
}

/** How a task ended. Written once. */
export interface TaskEnding {
  readonly taskId: string;
  readonly state: EndState;
  /** The catalogue code of the `error` event; undefined for `completed`. */
  readonly code?: ErrorCode;
  readonly message?: string;
  /** Wall clock, to be shown. */
  readonly endedAtMs: number;
  /** {@link RunningTime} from which its retention counts. */
  readonly keptFromMs: number;
  readonly usage: TaskUsage;
  readonly placement?: Placement;
  readonly attempts: number;
  readonly startedAtMs?: number;
  readonly transcriptArtifactId?: string;
}

/** One event of a task's stream, before it is framed. `data` is canonical JSON (RFC 8785). */
export interface TaskEvent {
  readonly type: 'started' | 'token' | 'delta' | 'metrics' | 'result' | 'end' | 'error';
  readonly data: string;
  /** What a reader with `verbose=true` gets instead of `data`. Not part of the transcript. */
  readonly verboseData?: string;
  /** Its number in the stream where that is not the next one: of a terminal event only, see {@link seqAfterInterruption}. */
  readonly seq?: number;
}

/** More events than any task's log can hold, whatever its bound. */
const SEQ_GAP = 1_000_000_000;

/**
 * The number of the terminal event of a task that a crash has interrupted. The last events that readers were shown may be lost, so
 * a reader may hold a number past those that were kept; this one is past any that it can hold, so it still learns of the end.
 */
export function seqAfterInterruption(keptEvents: number): number {
  return keptEvents + SEQ_GAP;
}

/** The number of the last of all events of a stream. */
export function lastSeqOf(events: readonly TaskEvent[]): number {
  return events.at(-1)?.seq ?? events.length;
}

export function isTerminal(event: TaskEvent): boolean {
  return event.type === 'end' || event.type === 'error';
}
