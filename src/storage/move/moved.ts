import type { ArtifactInfo } from '../../artifacts/artifact-store.port';
import type { ModelEntry } from '../../catalog/model-catalog.port';
import type { KeptBinding, KeptDrain } from '../../pools/registry/pool-store.port';
import type { KeptRecord } from '../../records/api-records.port';
import type { JournalRecord, SessionUsage } from '../../tasks/journal/task-journal.port';
import type { TaskEvent } from '../../tasks/task/task';

/** A task, live or ended; `events` are those that were copied of one whose ending names no transcript. */
export interface MovedTask extends JournalRecord {
  readonly events: readonly TaskEvent[];
}

export interface MovedArtifact {
  readonly info: ArtifactInfo;
  readonly json: string;
}

/** A piece of what a file holds. */
export interface MovedContent {
  readonly id: string;
  readonly atByte: number;
  readonly piece: Buffer;
}

/** What is moved, by kind, in the order in which it is put: tasks reserve from sessions that are there. */
export interface Moved {
  readonly notes: readonly [name: string, text: string];
  readonly bindings: KeptBinding;
  readonly drains: KeptDrain;
  readonly models: ModelEntry;
  readonly sessions: SessionUsage;
  readonly tasks: MovedTask;
  readonly artifacts: MovedArtifact;
  readonly records: KeptRecord;
  readonly contents: MovedContent;
}

export type MovedKind = keyof Moved;
export const movedKinds = [
  'notes',
  'bindings',
  'drains',
  'models',
  'sessions',
  'tasks',
  'artifacts',
  'records',
  'contents',
] as const satisfies readonly MovedKind[];

/** A move that is not begun, or not finished, and why: a sentence for who asked for it. */
export class MoveRefused extends Error {}

/** Where things are moved from. */
export interface MoveSource {
  /** As it was named. */
  readonly name: string;
  /** @throws MoveRefused where a service runs on it, or there is nothing to move */
  open(): Promise<void>;
  /** The running time at which it stands: what is kept of times is by it. */
  nowMs(): Promise<number>;
  /** Everything of a kind, in an order that is the same on every side. */
  all<K extends MovedKind>(kind: K): AsyncIterable<Moved[K]>;
  /** @throws MoveRefused where a service has been started on it meanwhile */
  assertQuiet(): Promise<void>;
  /** Also where it was never opened, or could not be. */
  close(): Promise<void>;
}

/** Where things are moved to. */
export interface MoveTarget {
  readonly name: string;
  /** Takes away what a move has left here that was not finished, and marks that one is under way: no service starts on it until {@link finish}. @throws MoveRefused where there is anything, or a service runs */
  begin(): Promise<void>;
  nowMs(): Promise<number>;
  put<K extends MovedKind>(kind: K, item: Moved[K]): Promise<void>;
  /** What is there now, to be held against what was put. */
  written(): Promise<MoveSource>;
  /** Everything is there and was looked at. */
  finish(): Promise<void>;
  close(): Promise<void>;
}
