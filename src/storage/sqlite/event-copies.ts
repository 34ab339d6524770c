import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { failpoint } from './failpoints';
import type { EventCopy } from './protocol';

/** A file takes no more records once it has this size. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** With more files than this, what is still wanted of the oldest is copied on and the file goes. */
const MAX_SEGMENTS = 4;
/** Checksum, length of the id, length of the lines, number of the first event. */
const HEADER_BYTES = 16;

/** Where one record stands. */
interface Place {
  readonly segment: Segment;
  readonly firstSeq: number;
  readonly offset: number;
  readonly bytes: number;
}

interface Segment {
  readonly number: number;
  readonly path: string;
  readonly handle: number;
  bytes: number;
  /** Records that are still wanted. */
  places: number;
}

/**
 * What readers of running tasks have been shown, for the start after a kill: append-only files that are never synced, with one
 * record a task and batch, and the places of the records in memory. A file is deleted when no record in it is wanted any more.
 *
 * A killed process leaves it whole. A power cut may leave a torn end: a file counts up to its first record that is not whole.
 */
export class EventCopies {
  private readonly places = new Map<string, Place[]>();
  private readonly segments: Segment[] = [];

  private constructor(private readonly folder: string) {}

  /** @param isWanted asked for each task that has records: the others are dropped */
  static open(folder: string, isWanted: (taskId: string) => boolean): EventCopies {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const copies = new EventCopies(folder);
    const numbers = readdirSync(folder).flatMap(name => (/^\d{1,15}\.log$/.test(name) ? [parseInt(name, 10)] : []));
    for (const number of numbers.sort((a, b) => a - b)) copies.load(number);
    for (const taskId of [...copies.places.keys()]) if (!isWanted(taskId)) copies.drop(taskId);
    copies.sweep();
    return copies;
  }

  /** Appends a batch. Throws where the disk refuses it: nothing of the batch counts then. */
  append(batch: readonly EventCopy[]): void {
    if (batch.length === 0) return;
    const segment = this.current();
    const records = batch.map(encode);
    const whole = Buffer.concat(records);
    for (let written = 0; written < whole.length;) {
      written += writeSync(segment.handle, whole, written, whole.length - written, segment.bytes + written);
    }
    failpoint('during-event-copy');
    batch.forEach(({ taskId, firstSeq }, at) => this.place(taskId, segment, firstSeq, (records[at] as Buffer).length));
  }

  drop(taskId: string): void {
    for (const { segment } of this.places.get(taskId) ?? []) segment.places--;
    this.places.delete(taskId);
  }

  /** Deletes files that nobody wants, and moves the last records out of old ones. */
  sweep(): void {
    for (const segment of [...this.segments]) if (segment.places === 0) this.remove(segment);
    const [oldest] = this.segments;
    if (oldest && this.segments.length > MAX_SEGMENTS) this.moveOn(oldest);
  }

  /** The lines of a task from its first event on, up to the first gap. */
  read(taskId: string): string {
    const places = [...(this.places.get(taskId) ?? [])].sort((a, b) => a.firstSeq - b.firstSeq);
    let lines = '';
    let next = 1;
    for (const place of places) {
      if (place.firstSeq < next) continue; // Moved on by a process that was killed before the old file went.
      if (place.firstSeq > next) break;
      const { copy } = decode(readAt(place), 0) ?? {};
      if (!copy) break;
      lines += copy.lines;
      next += countLines(copy.lines);
    }
    return lines;
  }

  close(): void {
    for (const { handle } of this.segments) closeSync(handle);
    this.segments.length = 0;
  }

  private load(number: number): void {
    const segment = this.openSegment(number);
    const bytes = readFileSync(segment.path);
    for (let record = decode(bytes, 0); record; record = decode(bytes, segment.bytes)) {
      this.place(record.copy.taskId, segment, record.copy.firstSeq, record.bytes);
    }
    ftruncateSync(segment.handle, segment.bytes);
  }

  private place(taskId: string, segment: Segment, firstSeq: number, bytes: number): void {
    const place: Place = { segment, firstSeq, offset: segment.bytes, bytes };
    const places = this.places.get(taskId);
    if (places) places.push(place);
    else this.places.set(taskId, [place]);
    segment.bytes += bytes;
    segment.places++;
  }

  private current(): Segment {
    const last = this.segments.at(-1);
    if (last && last.bytes < SEGMENT_BYTES) return last;
    return this.openSegment((last?.number ?? 0) + 1);
  }

  private openSegment(number: number): Segment {
    const path = join(this.folder, `${number}.log`);
    const handle = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const segment: Segment = { number, path, handle, bytes: 0, places: 0 };
    this.segments.push(segment);
    return segment;
  }

  private remove(segment: Segment): void {
    this.segments.splice(this.segments.indexOf(segment), 1);
    closeSync(segment.handle);
    rmSync(segment.path, { force: true });
  }

  private moveOn(oldest: Segment): void {
    for (const [taskId, places] of this.places) {
      const moving = places.filter(({ segment }) => segment === oldest);
      if (moving.length === 0) continue;
      const batch = moving.flatMap(place => decode(readAt(place), 0)?.copy ?? []);
      this.places.set(
        taskId,
        places.filter(({ segment }) => segment !== oldest),
      );
      this.append(batch);
    }
    this.remove(oldest);
  }
}

function encode({ taskId, firstSeq, lines }: EventCopy): Buffer {
  const idBytes = Buffer.byteLength(taskId);
  const lineBytes = Buffer.byteLength(lines);
  const record = Buffer.allocUnsafe(HEADER_BYTES + idBytes + lineBytes);
  record.writeUInt32LE(idBytes, 4);
  record.writeUInt32LE(lineBytes, 8);
  record.writeUInt32LE(firstSeq, 12);
  record.write(taskId, HEADER_BYTES);
  record.write(lines, HEADER_BYTES + idBytes);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

/** Undefined where no whole record begins. */
function decode(bytes: Buffer, offset: number): { readonly copy: EventCopy; readonly bytes: number } | undefined {
  if (offset + HEADER_BYTES > bytes.length) return undefined;
  const idBytes = bytes.readUInt32LE(offset + 4);
  const lineBytes = bytes.readUInt32LE(offset + 8);
  const end = offset + HEADER_BYTES + idBytes + lineBytes;
  if (end > bytes.length || crc32(bytes.subarray(offset + 4, end)) !== bytes.readUInt32LE(offset)) return undefined;
  const linesAt = offset + HEADER_BYTES + idBytes;
  const taskId = bytes.toString('utf8', offset + HEADER_BYTES, linesAt);
  const copy = { taskId, firstSeq: bytes.readUInt32LE(offset + 12), lines: bytes.toString('utf8', linesAt, end) };
  return { copy, bytes: end - offset };
}

function readAt({ segment, offset, bytes }: Place): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  readSync(segment.handle, buffer, 0, bytes, offset);
  return buffer;
}

function countLines(lines: string): number {
  let count = 0;
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) count++;
  return count;
}
