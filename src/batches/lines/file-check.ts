import { isOdd, LineSplitter, type FileLine, type OddLine } from './line-splitter';
import { isFault, requestLineOf, type BatchEndpoint, type LineFault } from './request-line';

/** Told of one file; more than these help nobody. */
const FAULTS_MAX = 100;

export interface FileBounds {
  readonly endpoint: BatchEndpoint;
  readonly maxLines: number;
  readonly maxLineBytes: number;
}

/** A fault, and in which line; null for one of the whole file. */
export interface FileFault extends LineFault {
  readonly line: number | null;
}

/** A file that may run has no faults. */
export interface FileVerdict {
  readonly lines: number;
  readonly faults: readonly FileFault[];
}

/**
 * Looks at each line of a batch's file as it comes. It keeps no line, but the custom ids, which must differ: some hundred bytes for each of
 * at most so many lines.
 */
export class FileCheck {
  private readonly splitter: LineSplitter;
  /** Custom ids, and the lines they are from. */
  private readonly seen = new Map<string, number>();
  private readonly faults: FileFault[] = [];
  private lines = 0;

  constructor(private readonly bounds: FileBounds) {
    this.splitter = new LineSplitter(bounds.maxLineBytes);
  }

  /** False once nothing more needs to be looked at: it has too many lines, or faults. */
  push(chunk: Buffer): boolean {
    return this.look(this.splitter.push(chunk));
  }

  end(): FileVerdict {
    if (this.look(this.splitter.end()) && this.lines === 0 && this.faults.length === 0)
      this.add({ code: 'empty_file', message: 'the file has no line', param: 'input_file_id', line: null });
    return { lines: this.lines, faults: this.faults };
  }

  private look(lines: readonly (FileLine | OddLine)[]): boolean {
    for (const line of lines) {
      if (this.isOver) return false;
      const { number } = line;
      const fault = isOdd(line) ? this.oddity(line) : this.faultOf(line);
      if (fault) this.add({ ...fault, line: number });
      if (++this.lines > this.bounds.maxLines) this.add(this.tooMany());
    }
    return !this.isOver;
  }

  private get isOver(): boolean {
    return this.faults.length >= FAULTS_MAX || this.lines > this.bounds.maxLines;
  }

  private faultOf({ number, bytes }: FileLine): LineFault | undefined {
    const line = requestLineOf(bytes, this.bounds.endpoint);
    if (isFault(line)) return line;
    const before = this.seen.get(line.customId);
    if (before === undefined) {
      this.seen.set(line.customId, number);
      return undefined;
    }
    const message = `custom_id must be another one for each line: line ${before} has the same`;
    return { code: 'duplicate_custom_id', message, param: 'custom_id' };
  }

  private oddity({ fault }: OddLine): LineFault {
    if (fault === 'blank') return { code: 'invalid_json_line', message: 'the line must not be blank', param: null };
    const message = `the line must have at most ${this.bounds.maxLineBytes} bytes (ORCHD_BATCH_LINE_MAX_BYTES)`;
    return { code: 'line_too_long', message, param: null };
  }

  private tooMany(): FileFault {
    const message = `the file must have at most ${this.bounds.maxLines} lines (ORCHD_BATCH_MAX_LINES)`;
    return { code: 'too_many_lines', message, param: 'input_file_id', line: null };
  }

  private add(fault: FileFault): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push(fault);
  }
}
