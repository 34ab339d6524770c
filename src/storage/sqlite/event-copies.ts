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
import { runsOf, type Run } from './tables/event-lines';
import { failpoint } from './file/failpoints';

/** A file takes no more batches once it has this size. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** With more files than this, what is still wanted of the oldest is copied on and the file goes. */
const MAX_SEGMENTS = 4;
/** Checksum and length of a batch's text. */
const HEADER_BYTES = 8;

interface Segment {
  readonly number: number;
  readonly path: string;
  readonly handle: number;
  bytes: number;
  /** Tasks that want something in it, each counted once a batch. */
  wants: number;
}

/** Where a batch of runs stands. */
interface Batch {
  readonly segment: Segment;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * What readers of running tasks have been shown, for the start after a kill: append-only files that are never synced, a record a
 * batch, and in memory which batches have something of a task. A file is deleted when nothing in it is wanted any more.
 *
 * A killed process leaves it whole. A power cut may leave a torn end: a file counts up to its first record that is not whole.
 */
export class EventCopies {
  private readonly batches = new Map<string, Batch[]>();
  private readonly segments: Segment[] = [];

  private constructor(private readonly folder: string) {}

  /** @param isWanted asked for each task that has events: the others are dropped */
  static open(folder: string, isWanted: (taskId: string) => boolean): EventCopies {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const copies = new EventCopies(folder);
    const numbers = readdirSync(folder).flatMap(name => (/^\d{1,15}\.log$/.test(name) ? [parseInt(name, 10)] : []));
    for (const number of numbers.sort((a, b) => a - b)) copies.load(number);
    for (const taskId of [...copies.batches.keys()]) if (!isWanted(taskId)) copies.drop(taskId);
    copies.sweep();
    return copies;
  }

  /**
   * Appends a batch of runs. Throws where the disk refuses it: nothing of the batch counts then.
   * @param taskIds of the runs in the text, each once
   */
  append(text: string, taskIds: readonly string[]): void {
    if (taskIds.length === 0) return;
    const segment = this.current();
    const record = encode(text);
    for (let written = 0; written < record.length;) {
      written += writeSync(segment.handle, record, written, record.length - written, segment.bytes + written);
    }
    failpoint('during-event-copy');
    this.add(taskIds, segment, record.length);
  }

  drop(taskId: string): void {
    for (const { segment } of this.batches.get(taskId) ?? []) segment.wants--;
    this.batches.delete(taskId);
  }

  /** Deletes files that nobody wants, and moves the last events out of old ones. */
  sweep(): void {
    for (const segment of [...this.segments]) if (segment.wants === 0) this.remove(segment);
    const [oldest] = this.segments;
    if (oldest && this.segments.length > MAX_SEGMENTS) this.moveOn(oldest);
  }

  /** Of tasks that have events here. */
  taskIds(): Iterable<string> {
    return this.batches.keys();
  }

  /** The lines of a task from its first event on, up to the first gap. */
  read(taskId: string): string[] {
    const runs = (this.batches.get(taskId) ?? []).flatMap(batch => runsOf(textOf(batch), taskId));
    const lines: string[] = [];
    for (const run of runs.sort((a, b) => a.firstSeq - b.firstSeq)) {
      if (run.firstSeq > lines.length + 1) break;
      // Moved on by a process that was killed before the old file went, a run is there twice.
      if (run.firstSeq === lines.length + 1) lines.push(...run.lines);
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
    for (let text = decode(bytes, 0); text !== undefined; text = decode(bytes, segment.bytes)) {
      const taskIds = new Set(runsOf(text).map(run => run.taskId));
      this.add([...taskIds], segment, HEADER_BYTES + bytes.readUInt32LE(segment.bytes + 4));
    }
    ftruncateSync(segment.handle, segment.bytes);
  }

  private add(taskIds: readonly string[], segment: Segment, bytes: number): void {
    const batch: Batch = { segment, offset: segment.bytes, bytes };
    for (const taskId of taskIds) {
      const batches = this.batches.get(taskId);
      if (batches) batches.push(batch);
      else this.batches.set(taskId, [batch]);
    }
    segment.bytes += bytes;
    segment.wants += taskIds.length;
  }

  private current(): Segment {
    const last = this.segments.at(-1);
    if (last && last.bytes < SEGMENT_BYTES) return last;
    return this.openSegment((last?.number ?? 0) + 1);
  }

  private openSegment(number: number): Segment {
    const path = join(this.folder, `${number}.log`);
    const handle = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const segment: Segment = { number, path, handle, bytes: 0, wants: 0 };
    this.segments.push(segment);
    return segment;
  }

  private remove(segment: Segment): void {
    this.segments.splice(this.segments.indexOf(segment), 1);
    closeSync(segment.handle);
    rmSync(segment.path, { force: true });
  }

  /** Batch by batch: each is read once, however many tasks want something of it. */
  private moveOn(oldest: Segment): void {
    const wanting = new Map<Batch, Set<string>>();
    for (const [taskId, batches] of this.batches) {
      for (const batch of batches) {
        if (batch.segment !== oldest) continue;
        const taskIds = wanting.get(batch);
        if (taskIds) taskIds.add(taskId);
        else wanting.set(batch, new Set([taskId]));
      }
    }
    for (const [batch, taskIds] of wanting) {
      const runs = runsOf(textOf(batch)).filter(({ taskId }) => taskIds.has(taskId));
      this.append(runs.map(textOfRun).join(''), [...new Set(runs.map(({ taskId }) => taskId))]);
    }
    for (const [taskId, batches] of this.batches) {
      const moved = batches.filter(({ segment }) => segment !== oldest);
      if (moved.length < batches.length) this.batches.set(taskId, moved);
    }
    this.remove(oldest);
  }
}

function encode(text: string): Buffer {
  const textBytes = Buffer.byteLength(text);
  const record = Buffer.allocUnsafe(HEADER_BYTES + textBytes);
  record.writeUInt32LE(textBytes, 4);
  record.write(text, HEADER_BYTES);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

/** Undefined where no whole record begins. */
function decode(bytes: Buffer, offset: number): string | undefined {
  if (offset + HEADER_BYTES > bytes.length) return undefined;
  const end = offset + HEADER_BYTES + bytes.readUInt32LE(offset + 4);
  if (end > bytes.length || crc32(bytes.subarray(offset + 4, end)) !== bytes.readUInt32LE(offset)) return undefined;
  return bytes.toString('utf8', offset + HEADER_BYTES, end);
}

/** Empty where it is damaged by now: then there is a gap. */
function textOf({ segment, offset, bytes }: Batch): string {
  const buffer = Buffer.allocUnsafe(bytes);
  readSync(segment.handle, buffer, 0, bytes, offset);
  return decode(buffer, 0) ?? '';
}

function textOfRun({ taskId, firstSeq, lines }: Run): string {
  return `#${taskId} ${firstSeq}\n${lines.join('\n')}\n`;
}
