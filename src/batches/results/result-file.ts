import type { RecordLease } from '../../records/record-lease';
import type { FileContents } from '../../uploads/file-contents.port';
import { noUsage, sumOf, TAIL_CHARS, usageIn, type BatchUsage } from '../batch/batch-usage';
import { HEAD_BYTES, lineNumberIn } from './result-line';

const CHUNK_BYTES = 256 * 1024;
const LF = 0x0a;

/** An output or error file of a batch: lines are added to its end, and are durable when that is told. */
export class ResultFile {
  /** Lines that are durable. */
  lines = 0;
  /** Bytes that are. */
  bytes = 0;
  /** Of all of them. */
  usage: BatchUsage = noUsage;
  /** A loss of power has left something else than lines. */
  private isTorn = false;
  /** An append did not succeed: some of it may be there. */
  private isUnsure = false;

  constructor(
    private readonly contents: FileContents,
    readonly id: string,
    private readonly batchId: string,
    private readonly lease?: RecordLease,
  ) {}

  /**
   * Reads what a process before has left: whole lines. What follows the last of them was never told to be there, and is cut off. Once more from the
   * beginning where it did not succeed.
   * @param onLine told of the number of each line's request
   */
  async open(onLine: (line: number) => void): Promise<void> {
    this.lines = this.bytes = 0;
    this.usage = noUsage;
    this.isTorn = false;
    let rest = Buffer.alloc(0);
    for (let at = 0; ;) {
      const chunk = await this.contents.read(this.id, at, CHUNK_BYTES);
      if (chunk.length === 0) break;
      at += chunk.length;
      if (this.isTorn) break;
      rest = this.takeLines(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), onLine);
    }
    await this.contents.truncate(this.id, this.bytes, this.lease);
  }

  /** One call at a time. What an append that failed has left is cut off before the next one. */
  async append(lines: readonly string[]): Promise<void> {
    const piece = Buffer.from(lines.join(''));
    if (this.isUnsure) await this.contents.truncate(this.id, this.bytes, this.lease);
    this.isUnsure = true;
    await this.contents.append(this.id, this.bytes, piece, this.lease);
    this.isUnsure = false;
    this.bytes += piece.length;
    this.lines += lines.length;
    for (const line of lines) this.count(line.slice(-TAIL_CHARS));
  }

  /** Returns what belongs to no whole line yet. */
  private takeLines(bytes: Buffer, onLine: (line: number) => void): Buffer<ArrayBuffer> {
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      const head = bytes.toString('latin1', start, Math.min(end, start + HEAD_BYTES));
      const number = lineNumberIn(head, this.batchId);
      this.isTorn = number === undefined;
      if (number === undefined) break;
      onLine(number);
      this.lines++;
      this.count(bytes.toString('utf8', Math.max(start, end - TAIL_CHARS), end));
      this.bytes += end + 1 - start;
      start = end + 1;
    }
    return Buffer.from(bytes.subarray(start));
  }

  private count(tail: string): void {
    this.usage = sumOf(this.usage, usageIn(tail));
  }
}
