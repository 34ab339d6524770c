import type { RecordLease } from './record-lease';

/** What kinds there are. */
export type RecordKind = 'response' | 'conversation' | 'file' | 'batch';

/** What an API remembers beside the tasks: a JSON text, and what it is found by. */
export interface ApiRecord {
  readonly kind: RecordKind;
  readonly id: string;
  readonly text: string;
  /** Something is still to be done about it: a start looks for these. */
  readonly isOpen: boolean;
  /** Ids of files that it works with, those too that it will make: while it is open {@link ApiRecords.removeFile} leaves them. */
  readonly holds?: readonly string[];
  /** {@link RunningTime} from which its retention counts; undefined: it is kept until it is removed. */
  readonly keptFromMs?: number;
}

/**
 * One that is kept, with its number: later ones have greater numbers, and a replacement has that of what it replaced. One that is open, and of a version
 * that did not tell what it holds, holds what its text names (`filesNamedBy`).
 */
export interface KeptRecord extends ApiRecord {
  readonly seq: number;
}

export interface RecordPage {
  readonly kind: RecordKind;
  /** Go on after the record with this number. */
  readonly afterSeq?: number;
  readonly order: 'newest first' | 'oldest first';
  readonly limit: number;
}

/** What became of a file that was to be removed: of one that is held, which open record holds it. */
export type FileRemoval = 'removed' | 'none' | { readonly heldBy: string };

/** How many there are, and the bytes of their texts. */
export interface RecordTotals {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Records of the APIs that promise to remember: responses, conversations, files, batches.
 *
 * Writes resolve once they are durable, in the order of the calls, and reject with STORAGE_UNAVAILABLE where they are not and never will be.
 * A read sees every write that was called before it. What was removed is gone from the disk too, within seconds. A write by a lease is done while that
 * is its node's, and rejects with {@link LeaseLost} otherwise.
 */
export abstract class ApiRecords {
  /** Of an id that is new: ids are made by the service. */
  abstract insert(record: ApiRecord, lease?: RecordLease): Promise<void>;

  /** As {@link insert} where that file is there, in one step with the look; resolves to false, and does nothing, where it is not. */
  abstract insertFor(fileId: string, record: ApiRecord, lease?: RecordLease): Promise<boolean>;

  /** Resolves to false, and does nothing, where there is none any more. */
  abstract replace(record: ApiRecord): Promise<boolean>;

  /** Replaces it where its text is still `was`, and resolves to whether it was: of two who change what both have read one does. */
  abstract revise(record: ApiRecord, was: string, lease?: RecordLease): Promise<boolean>;

  /** Resolves to whether there was one. */
  abstract remove(kind: RecordKind, id: string): Promise<boolean>;

  /** The record of a file, unless an open one holds it: in one step with the look, so that none comes to hold what is gone. */
  abstract removeFile(id: string): Promise<FileRemoval>;

  abstract find(kind: RecordKind, id: string): Promise<KeptRecord | undefined>;

  abstract list(page: RecordPage): Promise<readonly KeptRecord[]>;

  /** Those that something is still to be done about, oldest first. */
  abstract open(kind: RecordKind): Promise<readonly KeptRecord[]>;

  abstract totals(kind: RecordKind): Promise<RecordTotals>;

  /**
   * Removes those that were done with first, up to `limit`, until no more are left than that; open ones stay, however many they are. Resolves to
   * the ids of those that are gone.
   */
  abstract trim(kind: RecordKind, most: RecordTotals, limit: number): Promise<readonly string[]>;

  /** Ids of up to `limit` records that are kept from before this on; they are not removed by it. */
  abstract expired(kind: RecordKind, keptBeforeMs: number, limit: number): Promise<readonly string[]>;
}
