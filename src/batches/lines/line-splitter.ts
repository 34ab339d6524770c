const LF = 0x0a;
const CR = 0x0d;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const BLANK = new Set([0x20, 0x09, CR]);

/** One line of a file, without its end. */
export interface FileLine {
  /** From 1, as people count. */
  readonly number: number;
  readonly bytes: Buffer;
}

/** One that has no line of requests: longer than allowed (it is passed over, not kept), or blank with others after it. */
export interface OddLine {
  readonly number: number;
  readonly fault: 'too long' | 'blank';
}

export function isOdd(line: FileLine | OddLine): line is OddLine {
  return 'fault' in line;
}

/**
 * Cuts a file into lines as its bytes come. Lines end with LF or CRLF, the last one with neither too; a BOM before the first is passed over,
 * and so are blank lines at the end of the file. It holds one line at most, however long the file's are.
 */
export class LineSplitter {
  private number = 0;
  /** Pieces of the line that has not ended. */
  private pieces: Buffer[] = [];
  private length = 0;
  private isTooLong = false;
  private blanks: OddLine[] = [];

  /** @param maxBytes of a line, its end included */
  constructor(private readonly maxBytes: number) {}

  push(chunk: Buffer): (FileLine | OddLine)[] {
    const lines: (FileLine | OddLine)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.add(chunk.subarray(start, end));
      this.cut(lines);
      start = end + 1;
    }
    this.add(chunk.subarray(start));
    return lines;
  }

  /** What is left after the last end of a line. */
  end(): (FileLine | OddLine)[] {
    const lines: (FileLine | OddLine)[] = [];
    if (this.length > 0) this.cut(lines);
    return lines;
  }

  private add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.length += piece.length;
    if (this.length <= this.maxBytes) this.pieces.push(piece);
    else {
      this.isTooLong = true;
      this.pieces = [];
    }
  }

  private cut(lines: (FileLine | OddLine)[]): void {
    const number = ++this.number;
    const [first, ...others] = this.pieces;
    const { isTooLong } = this;
    const bytes = this.trimmed(others.length === 0 ? (first ?? Buffer.alloc(0)) : Buffer.concat(this.pieces));
    this.pieces = [];
    this.length = 0;
    this.isTooLong = false;
    if (!isTooLong && isBlank(bytes)) {
      // Only the first is told of: a file may have any number of them.
      if (this.blanks.length === 0) this.blanks.push({ number, fault: 'blank' });
      return;
    }
    lines.push(...this.blanks.splice(0), isTooLong ? { number, fault: 'too long' } : { number, bytes });
  }

  private trimmed(line: Buffer): Buffer {
    const from = this.number === 1 && line.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
    return line.subarray(from, line.at(-1) === CR ? -1 : undefined);
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (!BLANK.has(byte)) return false;
  return true;
}
