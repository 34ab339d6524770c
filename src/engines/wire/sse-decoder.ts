import { StringDecoder } from 'node:string_decoder';
import { ServiceError } from '../../errors/service-error';

/** Characters of one event: a hundred times the largest frame of a real engine. Past it the stream is not believed. */
const MAX_EVENT_CHARS = 1024 * 1024;

/**
 * Decodes an engine's SSE bytes into the `data` of its events (WHATWG HTML, section 9.2.6), wherever the chunks are cut:
 * inside a UTF-8 sequence, a line end, a field name. Other fields (event, id, retry) and comments say nothing here.
 *
 * The text of an unfinished line is kept in pieces and joined once, so that a line in many chunks costs no O(n²).
 */
export class SseDecoder {
  private readonly utf8 = new StringDecoder('utf8');
  private pieces: string[] = [];
  private pieceChars = 0;
  /** `data` of the event being read; undefined before its first data line. */
  private data: string | undefined;
  private atStart = true;
  /** The last chunk ended in CR: an LF at the head of the next belongs to it. */
  private afterCr = false;

  /** @throws ServiceError ENGINE_PROTOCOL when an event passes its bound */
  push(chunk: Buffer): string[] {
    let text = this.utf8.write(chunk);
    if (text === '') return [];
    if (this.atStart) {
      this.atStart = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    if (this.afterCr || text.includes('\r')) text = this.withPlainLineEnds(text);
    return this.takeLines(text);
  }

  private withPlainLineEnds(text: string): string {
    const tail = this.afterCr && text.startsWith('\n') ? text.slice(1) : text;
    this.afterCr = tail === '' ? false : tail.endsWith('\r');
    return tail.replace(/\r\n?/g, '\n');
  }

  private takeLines(text: string): string[] {
    const payloads: string[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      const line = this.joined(text.slice(from, end));
      from = end + 1;
      if (line === '') {
        if (this.data !== undefined) payloads.push(this.data);
        this.data = undefined;
      } else {
        this.takeLine(line);
      }
    }
    if (from < text.length) this.keep(text.slice(from));
    return payloads;
  }

  private takeLine(line: string): void {
    if (!line.startsWith('data')) return;
    let value: string;
    if (line.length === 4) value = '';
    else if (line.charCodeAt(4) === 0x3a) value = line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5);
    else return; // A field whose name only begins like ours.
    this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    if (this.data.length > MAX_EVENT_CHARS) throw tooLong();
  }

  private keep(piece: string): void {
    this.pieces.push(piece);
    this.pieceChars += piece.length;
    if (this.pieceChars > MAX_EVENT_CHARS) throw tooLong();
  }

  private joined(end: string): string {
    if (this.pieces.length === 0) return end;
    this.pieces.push(end);
    const line = this.pieces.join('');
    this.pieces = [];
    this.pieceChars = 0;
    return line;
  }
}

function tooLong(): ServiceError {
  return new ServiceError('ENGINE_PROTOCOL', { message: 'The engine sent an event that is longer than any engine sends.' });
}
