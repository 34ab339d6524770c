import type { SessionUsage } from '../../../tasks/journal/task-journal.port';
import type { KeptBinding, KeptDrain } from '../../../pools/registry/pool-store.port';
import type { LogFields } from '../../../observability/narrator';
import type { JournalFault } from '../file/journal-error';
import type { BindingRow, DrainRow, LiveRow, NoteRow, SessionRow, TaskRow } from './rows';

/** An admission, ready to be stored. */
export interface AdmissionWrite {
  readonly seq: number;
  readonly taskId: string;
  readonly sessionId: string;
  readonly admittedAtMs: number;
  /** See {@link encodeAdmission}. */
  readonly admission: string;
  readonly prompt: string;
}

/** An ending, ready to be stored. */
export interface EndingWrite {
  readonly taskId: string;
  readonly state: number;
  readonly keptFromMs: number;
  /** Undefined: what the first-token mark said stays. */
  readonly placement: string | undefined;
  readonly ending: string;
}

export type WriteRequest =
  | { readonly kind: 'admit'; readonly task: AdmissionWrite; readonly evicted?: EndingWrite }
  | { readonly kind: 'mark'; readonly taskId: string; readonly placement: string }
  | { readonly kind: 'end'; readonly task: EndingWrite; readonly session?: SessionUsage | undefined }
  | { readonly kind: 'transcript'; readonly taskId: string; readonly artifactId: string }
  | { readonly kind: 'expire'; readonly keptBeforeMs: number; readonly limit: number }
  | { readonly kind: 'bind'; readonly binding: KeptBinding }
  | { readonly kind: 'unbind'; readonly poolId: string; readonly replicaId: string }
  | { readonly kind: 'drain'; readonly drain: KeptDrain }
  | { readonly kind: 'undrain'; readonly poolId: string }
  | { readonly kind: 'note'; readonly name: string; readonly text: string }
  | { readonly kind: 'spend'; readonly session: SessionUsage }
  | { readonly kind: 'forget'; readonly sessionId: string };

/** A write as the commit log holds it: an ending brings its transcript, which the artifact store may not have yet. */
export type LoggedWrite = WriteRequest & { readonly transcript?: LoggedTranscript };

export interface LoggedTranscript {
  readonly id: string;
  readonly json: string;
}

/** To the thread that writes and syncs. `open` comes first, `close` last. */
export type LedgerRequest =
  | { readonly kind: 'open'; readonly folder: string }
  | { readonly kind: 'close' }
  /** Made durable before it is answered, with {@link Written}. */
  | { readonly kind: 'write'; readonly writes: readonly WriteRequest[] }
  /** Of the commit log, from this number on; given again as a whole where it fails. Not synced. Answered with {@link Applied}. */
  | { readonly kind: 'apply'; readonly first: number; readonly writes: readonly WriteRequest[] }
  /** Makes durable what was applied before. */
  | { readonly kind: 'sync' };

/** What `write` answers. */
export interface Written {
  /** At the places of their requests; undefined for one that is simply done. */
  readonly outcomes: readonly (RequestOutcome | undefined)[];
  /** The number of the last change. */
  readonly lastChange: number;
  /** See {@link Applied}. */
  readonly hasRoom: boolean;
}

/** What `apply` answers. */
export interface Applied {
  /** Room is secured for as much as the commit log may hold that is not applied. */
  readonly hasRoom: boolean;
}

/** What `open` answers. */
export interface OpenedLedger {
  readonly live: readonly LiveRow[];
  readonly sessions: readonly SessionRow[];
  readonly bindings: readonly BindingRow[];
  readonly drains: readonly DrainRow[];
  readonly notes: readonly NoteRow[];
  readonly lastSeq: number;
  readonly lastKeptMs: number | undefined;
  /** The number of the last change. */
  readonly lastChange: number;
  /** See {@link Applied}. */
  readonly hasRoom: boolean;
  /** Of tasks whose endings do not name them: from the commit log, which must hold them until the artifact store does. */
  readonly transcripts: readonly { readonly taskId: string; readonly transcript: LoggedTranscript }[];
}

/** What `ids` answers. */
export interface IdHashes {
  /** See IdFilter. */
  readonly hashes: Uint32Array;
  /** Where to go on; undefined at the end. */
  readonly lastSeq: number | undefined;
}

/** What `expire` answers. */
export interface Expired {
  readonly count: number;
  /** Those whose copied events were still kept, for their endings named no transcript. */
  readonly withEvents: readonly string[];
}

/** Events to be copied, and tasks whose copies are of no use any more. */
export interface EventBatch {
  /** Runs, see {@link encodeRun}. */
  readonly text: string;
  /** Whose runs they are, each once. */
  readonly taskIds: readonly string[];
  readonly dropped: readonly string[];
}

export interface ListQuery {
  readonly state: number | undefined;
  readonly sessionId: string | undefined;
  readonly afterSeq: number | undefined;
  readonly limit: number;
}

/** What `find` answers; the prompt of an ended task is gone. */
export interface FoundRow {
  readonly task: TaskRow;
  readonly prompt: string | undefined;
}

/** To the thread that never syncs: what only reads, and what may be lost. */
export type ReaderRequest =
  | { readonly kind: 'open'; readonly folder: string }
  | { readonly kind: 'find'; readonly taskId: string }
  | { readonly kind: 'list'; readonly query: ListQuery }
  | { readonly kind: 'copy'; readonly batch: EventBatch }
  | { readonly kind: 'events'; readonly taskId: string }
  | { readonly kind: 'copied'; readonly limit: number }
  | { readonly kind: 'ids'; readonly afterSeq: number; readonly limit: number }
  | { readonly kind: 'close' };

export interface Failure {
  readonly code: 'STORAGE_UNAVAILABLE' | 'TASK_CONFLICT' | 'INTERNAL' | JournalFault;
  readonly reason: string;
}

/** What a request has to say beyond "done". */
export type RequestOutcome = { readonly value: unknown } | { readonly failure: Failure };

/** A log line, from a thread that has no narrator of its own. */
export interface Note {
  readonly level: 'tell' | 'warn' | 'fail';
  readonly human: string;
  readonly fields: LogFields;
}

export type FromThread =
  | {
      readonly kind: 'replies';
      /** How many requests, in the order in which they were sent, are answered by this. */
      readonly count: number;
      /** By their places among those; one that is not here is simply done. */
      readonly outcomes: readonly (readonly [place: number, outcome: RequestOutcome])[];
    }
  | { readonly kind: 'note'; readonly note: Note };
