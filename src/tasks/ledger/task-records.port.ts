import type { MaybeLater } from '../../time/maybe-later';
import type { HeldTranscript, StoringTranscript } from '../task/storing-transcript';
import type { AdmissionFacts, Placement, TaskEnding, TaskSpec, TaskState } from '../task/task';

/** A task as it stands: live, or as it ended. `spec.prompt` is empty in lists, and once the task has ended. */
export interface TaskRecord {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  readonly state: TaskState;
  /** Attempts begun so far. */
  readonly attempts: number;
  /** Where its attempt runs, or its last one ran. */
  readonly placement?: Placement;
  /** Wall clock, at the first output. */
  readonly startedAtMs?: number;
  /** Once it has ended and that can be told. */
  readonly ending?: TaskEnding;
  /** The ending names it once the artifact store has it, which is not known yet. */
  readonly transcript?: StoringTranscript;
}

export interface RecordQuery {
  readonly state?: TaskState;
  readonly sessionId?: string;
  /** Continue after the task with this `seq`, the last of the previous page. */
  readonly afterSeq?: number;
  readonly limit: number;
}

/**
 * What is remembered of tasks, from their admission until their retention is over. What is found is the task as it stood at one moment;
 * a list is of one moment only for tasks that have ended.
 */
export abstract class TaskRecords {
  /** Undefined too for a task whose admission is not through. */
  abstract find(taskId: string): MaybeLater<TaskRecord | undefined>;

  /** By number of admission, newest first. */
  abstract list(query: RecordQuery): Promise<readonly TaskRecord[]>;

  /**
   * Names the transcript of a task that has ended without one; what was copied of its events is of no use any more. False while the
   * ending is not durable itself.
   */
  abstract nameTranscript(taskId: string, artifactId: string): Promise<boolean>;

  /** What the process before held for the artifact store: of tasks that ended, whose ending does not name it yet. Given out once. */
  abstract heldTranscripts(): Promise<readonly HeldTranscript[]>;

  /** All of {@link heldTranscripts} are in the artifact store and named: they need not be held any more. */
  abstract transcriptsStored(): Promise<void>;

  /** Ids of ended tasks that name no transcript and whose events were copied, at least in part. */
  abstract withoutTranscript(limit: number): Promise<readonly string[]>;

  /** Forgets up to `limit` tasks that are kept from before this on, see {@link TaskEnding.keptFromMs}; resolves to how many. */
  abstract expire(keptBeforeMs: number, limit: number): Promise<number>;
}
