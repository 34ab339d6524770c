import type { TaskEvent } from '../task/task';
import type { LogChunk } from './event-log.port';
import { eventFrame, eventOfFrame } from './sse-frame';

const FIRST_BYTES = 2048;
/** Of one UTF-16 unit. */
const MOST_UTF8_BYTES = 3;
/** A longer frame is measured: room for the most that it might take costs more than that. */
const LONG_FRAME = 4096;
const noBytes: Buffer = Buffer.alloc(0);

/** Frames to which nothing is added any more lie together where they are short: memory of its own costs each some microseconds. */
const SHELF_BYTES = 64 * 1024;
const SHELVED_MAX_BYTES = 4096;
let shelf = noBytes;
let shelved = 0;

/** A copy of the first `length` bytes. */
function shelve(bytes: Buffer, length: number): Buffer {
  if (length > SHELVED_MAX_BYTES) {
    const own = Buffer.allocUnsafeSlow(length);
    bytes.copy(own, 0, 0, length);
    return own;
  }
  if (shelf.length - shelved < length) {
    shelf = Buffer.allocUnsafeSlow(SHELF_BYTES);
    shelved = 0;
  }
  const place = shelf.subarray(shelved, (shelved += length));
  bytes.copy(place, 0, 0, length);
  return place;
}

/**
 * Frames that only grow in number, one after the other in memory of their own: a list of small strings would be looked at and
 * moved by the garbage collector for as long as a stream lasts, and each reader would encode them anew.
 */
class FrameList {
  private bytes: Buffer = noBytes;
  /** Where each ends. */
  private ends: number[] = [];
  private used = 0;

  get length(): number {
    return this.ends.length;
  }

  get byteLength(): number {
    return this.used;
  }

  push(frame: string): void {
    const most = frame.length > LONG_FRAME ? Buffer.byteLength(frame) : frame.length * MOST_UTF8_BYTES;
    if (this.bytes.length - this.used < most) this.grow(most);
    this.used += this.bytes.write(frame, this.used);
    this.ends.push(this.used);
  }

  /** The bytes of the frames from one index up to another. They never change: what is given out is not a copy. */
  between(from: number, to: number): Buffer {
    return this.bytes.subarray(this.startOf(from), this.startOf(to));
  }

  /** The index after the last frame that begins within so many bytes; one frame at least. */
  reach(from: number, maxBytes: number): number {
    const endByte = this.startOf(from) + maxBytes;
    if (endByte >= this.used) return this.length;
    let to = from + 1;
    while (to < this.length && this.startOf(to) < endByte) to++;
    return to;
  }

  events(): TaskEvent[] {
    const text = this.bytes.toString('utf8', 0, this.used);
    const isBytes = text.length === this.used;
    const events: TaskEvent[] = [];
    for (let at = 0; at < this.length; at++) {
      const [start, end] = [this.startOf(at), this.startOf(at + 1)];
      events.push(eventOfFrame(isBytes ? text.slice(start, end) : this.bytes.toString('utf8', start, end)));
    }
    return events;
  }

  /** Nothing more comes: gives back what room it has left. */
  trim(): void {
    this.bytes = shelve(this.bytes, this.used);
    this.ends = this.ends.slice();
  }

  private startOf(at: number): number {
    return at === 0 ? 0 : (this.ends[at - 1] as number);
  }

  private grow(bytes: number): void {
    const neededBytes = this.used + Math.max(FIRST_BYTES, bytes);
    const grown = Buffer.allocUnsafeSlow(Math.max(neededBytes, 2 * this.bytes.length));
    this.bytes.copy(grown, 0, 0, this.used);
    this.bytes = grown;
  }
}

/** What verbose readers get instead of the frame at this place. There are few of them, and few who read them. */
interface VerboseFrame {
  readonly place: number;
  readonly frame: string;
}

/** The frames of a task's events, as readers get them. */
export class EventFrames {
  private readonly plain = new FrameList();
  private readonly verbose: VerboseFrame[] = [];
  private verboseBytes = 0;
  /** Number of the last event. Each event's is its place, counted from 1; only a terminal one may have a greater one. */
  private last = 0;

  get lastSeq(): number {
    return this.last;
  }

  get byteLength(): number {
    return this.plain.byteLength + this.verboseBytes;
  }

  push({ seq = this.plain.length + 1, type, data, verboseData }: TaskEvent): void {
    if (verboseData !== undefined) {
      const frame = eventFrame(seq, type, verboseData);
      this.verbose.push({ place: this.plain.length, frame });
      this.verboseBytes += Buffer.byteLength(frame);
    }
    this.plain.push(eventFrame(seq, type, data));
    this.last = seq;
  }

  /** Their events, without what only verbose readers get. */
  events(): TaskEvent[] {
    const events = this.plain.events();
    const last = events.at(-1);
    if (last && this.last > events.length) events[events.length - 1] = { ...last, seq: this.last };
    return events;
  }

  /**
   * What follows event `afterSeq`, up to about `maxBytes`; undefined when nothing does.
   * @param isComplete the last event is the terminal one
   */
  after(afterSeq: number, maxBytes: number, verbose: boolean, isComplete: boolean): LogChunk | undefined {
    if (afterSeq >= this.last) return undefined;
    // A number in the gap before the terminal event is followed by that event.
    const from = Math.min(afterSeq, this.plain.length - 1);
    const to = this.plain.reach(from, maxBytes);
    const isAll = to === this.plain.length;
    return {
      frames: verbose ? this.verboseBetween(from, to) : this.plain.between(from, to),
      lastSeq: isAll ? this.last : to,
      terminal: isAll && isComplete,
    };
  }

  trim(): void {
    this.plain.trim();
  }

  private verboseBetween(from: number, to: number): Buffer {
    const parts: Buffer[] = [];
    let at = from;
    for (const { place, frame } of this.verbose) {
      if (place < at || place >= to) continue;
      parts.push(this.plain.between(at, place), Buffer.from(frame));
      at = place + 1;
    }
    return Buffer.concat([...parts, this.plain.between(at, to)]);
  }
}
