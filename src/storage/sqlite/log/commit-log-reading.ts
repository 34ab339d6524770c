import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../file/journal-error';
import { files } from '../file/journal-file';
import { decodeRecords, type LoggedRecord } from './commit-log-records';
import { SEGMENT_BYTES } from './commit-segment';

/**
 * All whole records in the folder's segments, in the order of their numbers, each number once. Some may have been released long ago.
 * Synchronous, with one segment in memory at a time besides the records; a file that is missing or short is read as far as it goes.
 * @throws Error of the file system
 */
export function readCommitLog(
  folder: string,
  segmentBytes = SEGMENT_BYTES,
): {
  readonly records: readonly LoggedRecord[];
  /** Places where a record begins that does not add up: the last write was torn, or the file is damaged. */
  readonly damaged: number;
  /** A file is not as long as it was made, or one of the two is gone. */
  readonly isCut: boolean;
} {
  const found = new Map<number, LoggedRecord>();
  const lengths: number[] = [];
  let damaged = 0;
  for (const name of files.commits) {
    const content = contentOf(join(folder, name));
    lengths.push(content.length);
    const segment = decodeRecords(content);
    for (const record of segment.records) found.set(record.number, record);
    damaged += segment.damaged;
  }
  const isCut = lengths.some(length => length > 0) && lengths.some(length => length < segmentBytes);
  return { records: [...found.values()].sort((a, b) => a.number - b.number), damaged, isCut };
}

function contentOf(path: string): Buffer {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return Buffer.alloc(0);
    throw thrown;
  }
  try {
    const content = Buffer.alloc(Math.min(fstatSync(handle).size, SEGMENT_BYTES));
    let length = 0;
    for (let read = -1; read !== 0; length += read)
      read = readSync(handle, content, length, content.length - length, length);
    return content.subarray(0, length);
  } finally {
    closeSync(handle);
  }
}
