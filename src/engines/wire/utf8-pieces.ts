import { StringDecoder } from 'node:string_decoder';

const FIRST_BEYOND_ASCII = 0x80;

/** UTF-8 that comes in pieces, wherever they are cut. */
export class Utf8Pieces {
  private readonly decoder = new StringDecoder('utf8');
  /** The last piece may have ended within a letter. */
  private mayHold = false;

  /** The text of one more piece, less the beginning of a letter at its end. */
  textOf(bytes: Buffer, start: number, end: number): string {
    const endsInAscii = end > start && (bytes[end - 1] as number) < FIRST_BEYOND_ASCII;
    // Most pieces are whole frames, which end with a line.
    if (endsInAscii && !this.mayHold) return bytes.toString('utf8', start, end);
    this.mayHold = !endsInAscii && (this.mayHold || end > start);
    return this.decoder.write(bytes.subarray(start, end));
  }
}
