import { StringDecoder } from 'node:string_decoder';

const FIRST_BEYOND_ASCII = 0x80;

/** UTF-8 that comes in pieces, wherever they are cut. */
export class Utf8Decoder {
  private readonly decoder = new StringDecoder('utf8');
  /** The last piece may have ended within a character. */
  private mayHold = false;

  /** The text of one more piece, less the beginning of a character at its end. */
  textOf(bytes: Buffer, start: number, end: number): string {
    if (start === end) return '';
    const endsInAscii = (bytes[end - 1] as number) < FIRST_BEYOND_ASCII;
    // Most pieces are whole frames, which end with a line.
    const isWhole = endsInAscii && !this.mayHold;
    this.mayHold = !endsInAscii;
    return isWhole ? bytes.toString('utf8', start, end) : this.decoder.write(bytes.subarray(start, end));
  }
}
