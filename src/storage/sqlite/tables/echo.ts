import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, write, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterTurnEnds } from '../../../time/own-turns';

export type ChangeKind = 'admit' | 'mark' | 'end' | 'bind' | 'unbind' | 'drain' | 'undrain' | 'note' | 'forget';

/** One change that was acknowledged. */
export interface Change {
  /** Growing over the whole life of the journal; changes of one request have the same. */
  readonly number: number;
  readonly kind: ChangeKind;
  /** The id of the task, session or pool, the name of a note, or `pool/replica`. */
  readonly subject: string;
}

/**
 * Room for more changes than the write-ahead log holds between two checkpoints (some 4,000 of up to 160 bytes), which are
 * those that damage to it can take away.
 */
export const ECHO_BYTES = 1024 * 1024;

/**
 * The last changes once more, by number and subject, in a ring of text lines apart from the database.
 *
 * SQLite ends its write-ahead log at the first frame that does not add up, and says nothing: committed transactions are
 * gone as if they had never been. This file is written after each commit, and before anything more comes of it, so a database
 * whose last change has a smaller number than the echo's has lost what lies between, and the echo tells whose that was. The
 * commit log has one of its own, which is written beside each append.
 * It is not synced: a killed process leaves it whole, a power cut may take its last seconds.
 */
export class Echo {
  private position = 0;
  private last = 0;
  private gathered: Change[] = [];
  /** The next write, which has not begun. */
  private gathering: Promise<void> | undefined;
  private writing: Promise<void> | undefined;
  private isClosed = false;

  private constructor(private readonly handle: number) {}

  /** Opens the ring, at its full size from the start, so that writing to it never needs room on the disk. */
  static open(path: string): Echo {
    const handle = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const missing = ECHO_BYTES - fstatSync(handle).size;
    if (missing > 0) {
      writeSync(handle, Buffer.alloc(missing, '\n'), 0, missing, ECHO_BYTES - missing);
      fsyncSync(handle);
    }
    return new Echo(handle);
  }

  /** The changes after a number, in order; appending goes on behind the last of all. */
  readAfter(number: number): readonly Change[] {
    const ring = Buffer.alloc(ECHO_BYTES);
    readSync(this.handle, ring, 0, ECHO_BYTES, 0);
    const lines = linesOf(ring).sort((a, b) => b.number - a.number || b.start - a.start);
    const later: Change[] = [];
    for (const { number: lineNumber, start, end } of lines) {
      if (lineNumber <= number && this.last > 0) break; // The rest is older.
      const change = parse(ring.toString('latin1', start, end));
      if (!change) continue;
      if (change.number > this.last) {
        this.last = change.number;
        this.position = end + 1;
      }
      if (change.number > number) later.push(change);
    }
    return later.reverse();
  }

  /** The number of the last change that was read. */
  get lastNumber(): number {
    return this.last;
  }

  /** Also what is gathered, before them. @throws Error of the file system: then those are missing */
  append(changes: readonly Change[]): void {
    const all = [...this.gathered, ...changes];
    this.gathered = [];
    if (all.length === 0) return;
    const { lines, at } = this.place(all);
    writeSync(this.handle, lines, at, 'latin1');
  }

  /**
   * The same on libuv's pool, after what was given to the pool in this turn of the event loop and after the requests to engines that come of it;
   * with all that comes until then. Resolves when that is over. Never rejects: what fails is missing.
   */
  appendSoon(changes: readonly Change[]): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.gathered.push(...changes);
    return (this.gathering ??= this.writeGathered(this.writing));
  }

  /** Forgets what was there before. Synchronous. @throws Error of the file system */
  clear(): void {
    writeSync(this.handle, Buffer.alloc(ECHO_BYTES, '\n'), 0, ECHO_BYTES, 0);
    this.position = 0;
    this.last = 0;
  }

  private place(changes: readonly Change[]): { lines: string; at: number } {
    let lines = '';
    for (const change of changes) lines += format(change);
    if (this.position + lines.length > ECHO_BYTES) {
      // What is left of the ring keeps older lines: they have smaller numbers and do no harm.
      this.position = 0;
      lines = lines.slice(-ECHO_BYTES);
    }
    const at = this.position;
    this.position += lines.length;
    return { lines, at };
  }

  /** What is gathered is written before. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      this.append([]);
    } catch {
      // As ever, what fails is missing.
    }
    if (!this.writing) closeSync(this.handle);
  }

  private async writeGathered(before: Promise<void> | undefined): Promise<void> {
    await new Promise<void>(afterTurnEnds);
    await before;
    this.gathering = undefined;
    if (this.isClosed || this.gathered.length === 0) return;
    const { lines, at } = this.place(this.gathered);
    this.gathered = [];
    this.writing = new Promise(resolve => write(this.handle, lines, at, 'latin1', () => resolve()));
    await this.writing;
    this.writing = undefined;
    if (this.isClosed) closeSync(this.handle);
  }
}

const LINE_END = 0x0a;
const ZERO = 0x30;
const form = /^((\d+) (admit|mark|end|bind|unbind|drain|undrain|note|forget) (\S+)) ([0-9a-f]+)$/;

function format({ number, kind, subject }: Change): string {
  const text = `${number} ${kind} ${subject}`;
  return `${text} ${crc32(text).toString(16)}\n`;
}

interface Line {
  /** As it stands there; not to be trusted before the line is parsed. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** Where lines stand and which numbers they begin with, without looking further: there are some 20,000 at each start. */
function linesOf(ring: Buffer): Line[] {
  const lines: Line[] = [];
  for (let start = 0, end = ring.indexOf(LINE_END); end >= 0; start = end + 1, end = ring.indexOf(LINE_END, start)) {
    let number = 0;
    for (let at = start; at < end && isDigit(ring[at] as number); at++)
      number = number * 10 + (ring[at] as number) - ZERO;
    if (number > 0) lines.push({ number, start, end });
  }
  return lines;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte < ZERO + 10;
}

/** Undefined for whatever is not a whole line of ours: the remains of an older lap, or damage. */
function parse(line: string): Change | undefined {
  const [, text = '', number, kind, subject = '', checksum] = form.exec(line) ?? [];
  if (crc32(text).toString(16) !== checksum) return undefined;
  return { number: Number(number), kind: kind as ChangeKind, subject };
}
