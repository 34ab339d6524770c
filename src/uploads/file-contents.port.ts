import type { Readable } from 'node:stream';
import type { RecordLease } from '../records/record-lease';

/** A file that is being received. It is nobody's until it is kept, and one that a process leaves is gone with the next start. */
export interface ContentDraft {
  readonly bytes: number;
  /** @throws ServiceError STORAGE_FULL where all files together pass their bound or the disk is full, STORAGE_UNAVAILABLE */
  append(piece: Buffer): Promise<void>;
  /** Resolves once it is durable under its id. After a failure nothing of it is there. @throws as {@link append} */
  keep(): Promise<void>;
  /** Drops it; after {@link keep} this does nothing. Never rejects. */
  abandon(): Promise<void>;
}

/**
 * What the files of clients hold, and what batches write. Ids are the service's own: letters, digits, `-` and `_`, never those of a
 * client. Who may see a file, and whether there is one, is for its record to say.
 */
export abstract class FileContents {
  /** Ids of those that are kept, but for those of which another node may just be making a record. */
  abstract ids(): Promise<readonly string[]>;

  abstract draft(id: string): Promise<ContentDraft>;

  /** Undefined where there is none. @throws ServiceError STORAGE_UNAVAILABLE */
  abstract size(id: string): Promise<number | undefined>;

  /** Up to `maxBytes` from there on; empty at the end, and where there is no such file. @throws ServiceError STORAGE_UNAVAILABLE */
  abstract read(id: string, fromByte: number, maxBytes: number): Promise<Buffer>;

  /** All of it as it was when this was called; undefined where there is none. */
  abstract stream(id: string): Promise<{ readonly bytes: number; readonly content: Readable } | undefined>;

  /**
   * Adds to a file that ends at that byte, or is made where there is none; resolves once that is durable. One call at a time for each file. After a
   * failure the file may end with a part of it.
   * @throws ServiceError STORAGE_FULL where the disk is full, STORAGE_UNAVAILABLE, also for a file that does not end there; LeaseLost by a lease that is
   *   another node's by now, which has added nothing
   */
  abstract append(id: string, atByte: number, piece: Buffer, lease?: RecordLease): Promise<void>;

  /** Cuts a file off after so many bytes. @throws as {@link append} */
  abstract truncate(id: string, bytes: number, lease?: RecordLease): Promise<void>;

  /** Resolves once it is gone for good; nothing where there is none. @throws ServiceError STORAGE_UNAVAILABLE */
  abstract remove(id: string): Promise<void>;
}
