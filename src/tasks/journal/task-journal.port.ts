import type { KeptBinding, KeptDrain } from '../../pools/registry/pool-store.port';
import type { HeldTranscript, StoringTranscript } from '../task/storing-transcript';
import type { AdmissionFacts, Placement, TaskEnding, TaskEvent, TaskSpec, TaskState } from '../task/task';

/** A task as the journal holds it. `spec.prompt` is empty once it ended: an ended task keeps a hash of its request. */
export interface JournalRecord {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  /** True once a token of an attempt may have been seen. */
  readonly firstTokenMarked: boolean;
  readonly placement?: Placement;
  readonly ending?: TaskEnding;
  /** The ending names it once the artifact store has it, which is not known yet. Only where a task was looked for by itself. */
  readonly transcript?: StoringTranscript;
}

/** What the ended tasks of a session have used in all, in the units of Spend, and how many of them were completed. */
export interface SessionUsage {
  readonly sessionId: string;
  readonly tokens: number;
  readonly timeMs: number;
  readonly cost: number;
  readonly turns: number;
}

/** What {@link TaskJournal.recover} gives back after a start. */
export interface Recovery {
  /** Tasks without an ending, in the order of their keys. */
  readonly live: readonly JournalRecord[];
  readonly sessions: readonly SessionUsage[];
  readonly bindings: readonly KeptBinding[];
  readonly drains: readonly KeptDrain[];
  /** By name, see {@link TaskJournal.saveNote}. */
  readonly notes: ReadonlyMap<string, string>;
  /** The largest `seq` ever given out, 0 for a new journal. */
  readonly lastSeq: number;
  /** The latest {@link TaskEnding.keptFromMs}; undefined where no task has ended. */
  readonly lastKeptMs?: number;
  /** Of tasks that ended, whose ending does not name them yet: the artifact store may not have them. */
  readonly transcripts: readonly HeldTranscript[];
}

export interface JournalQuery {
  readonly state?: TaskState;
  readonly sessionId?: string;
  /** Continue after the task with this `seq`, the last of the previous page. */
  readonly afterSeq?: number;
  readonly limit: number;
}

/**
 * What must outlive the process.
 *
 * Every write resolves once it is durable, and rejects with STORAGE_UNAVAILABLE when it is not and never will be: then
 * nothing of it is kept. Writes become durable in the order of their calls. One call is one transaction: all of it or
 * nothing. It is a ledger, not a queue: it knows no order of service and starts nothing.
 */
export abstract class TaskJournal {
  /** Opens the journal and reads what was live. Called once, before any other. */
  abstract recover(): Promise<Recovery>;

  /**
   * Records an admission; with `evicted`, the ending of the task that made room for it in the same transaction.
   * Rejects with TASK_CONFLICT for an id that is recorded already.
   */
  abstract admit(spec: TaskSpec, facts: AdmissionFacts, evicted?: TaskEnding): Promise<void>;

  /** Marks that output of this attempt may be seen from now on: the task is never run again. */
  abstract markFirstToken(taskId: string, placement: Placement): Promise<void>;

  /**
   * Records an ending, and what its session has spent since (absent for a task's own session). The first one of a task counts; another
   * changes nothing, but that it names its transcript where that one names none: as of a task that was evicted.
   * @param transcript the ending names it once the artifact store has it. A driver that makes it durable together with the ending need
   *   not wait for that; another one writes the ending only when it is known whether it was stored
   */
  abstract end(ending: TaskEnding, session?: SessionUsage, transcript?: StoringTranscript): Promise<void>;

  /**
   * Copies events that readers have been shown, `firstSeq` being the number of the first. Best effort: it never
   * rejects and is not synced; it is what a kill leaves readable. Dropped once the ending names a transcript.
   */
  abstract copyEvents(taskId: string, firstSeq: number, events: readonly TaskEvent[]): void;

  /** The events copied for a task, from number 1 without gaps. */
  abstract readEvents(taskId: string): Promise<readonly TaskEvent[]>;

  /** Names the transcript of a task that ended without one. Nothing for a task that is live, unknown, or names one already. */
  abstract nameTranscript(taskId: string, artifactId: string): Promise<void>;

  /** Ids of ended tasks that name no transcript and of which events were copied. */
  abstract withoutTranscript(limit: number): Promise<readonly string[]>;

  /** All of {@link Recovery.transcripts} are in the artifact store and named, so the journal may let go of them. */
  abstract transcriptsStored(): Promise<void>;

  /** With all that is acknowledged of it; it does not wait for a transcript that is being stored. */
  abstract find(taskId: string): Promise<JournalRecord | undefined>;

  /** By number of admission, newest first, without the prompts of live tasks: a page of them could hold hundreds of megabytes. */
  abstract list(query: JournalQuery): Promise<readonly JournalRecord[]>;

  /** Forgets up to `limit` tasks that are kept from before this on, see {@link TaskEnding.keptFromMs}; resolves to how many. */
  abstract expire(keptBeforeMs: number, limit: number): Promise<number>;

  abstract saveBinding(binding: KeptBinding): Promise<void>;

  abstract removeBinding(poolId: string, replicaId: string): Promise<void>;

  /** Of a pool that is known to drain already: with a new deadline. */
  abstract saveDrain(drain: KeptDrain): Promise<void>;

  abstract removeDrain(poolId: string): Promise<void>;

  /** Keeps a text under a name, the last one given: what a service has learned and would not learn again at once. */
  abstract saveNote(name: string, text: string): Promise<void>;

  /** Forgets a session's usage (it was deleted, or its time to live ended). */
  abstract forgetSession(sessionId: string): Promise<void>;

  /** Writes what is pending and lets go of the files. */
  abstract close(): Promise<void>;
}
