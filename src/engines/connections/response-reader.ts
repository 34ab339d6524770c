import { checkTrailers, NotHttpError, parseHead, type ResponseHead } from './response-head';

/** Who is told of an answer. */
export interface ResponseHandler {
  /** Interim answers (1xx) are not told of. */
  onHead(head: ResponseHead): void;
  /** More of the body: `bytes` from `start` to before `end`, which are others once this returns. */
  onBody(bytes: Buffer, start: number, end: number): void;
}

/** How far an answer is: not at its end, at its end, or past it, where nothing was to come. */
export type ReadState = 'partial' | 'whole' | 'surplus';

/** What the next byte belongs to. */
type Part =
  | 'head'
  | 'counted body'
  | 'body until close'
  | 'chunk size'
  | 'chunk extension'
  | 'end of size'
  | 'chunk'
  | 'end of chunk'
  | 'last of chunk'
  | 'trailers'
  | 'nothing';

const MAX_HEAD_CHARS = 32 * 1024;
/** A head up to this is kept with what it says: that of most engines is the same before each answer, or changes with its `date` once a second. */
const KEPT_HEAD_CHARS = 1024;
/** Of a head or trailers, so much is decoded at a time: of what else was read with it, little is decoded in vain. */
const PIECE_BYTES = 1024;
/** Hexadecimal digits, with leading zeros. */
const MAX_SIZE_DIGITS = 16;
/** No engine sends a chunk of more. */
const MAX_CHUNK_BYTES = 2 ** 32 - 1;
const emptyLine = /\r?\n\r?\n/g;
/** Of {@link emptyLine}, so much may be there without its end. */
const MOST_OF_EMPTY_LINE = 3;
const BEGINNING = 'HTTP/1.';
const [CR, LF, SEMICOLON, SPACE, TAB] = [0x0d, 0x0a, 0x3b, 0x20, 0x09];

/**
 * Reads answers of HTTP/1.1 off one connection, wherever the network cut them. Nothing of a body is copied or kept: a token of a stream
 * costs the few bytes around its chunk.
 */
export class ResponseReader {
  private part: Part = 'nothing';
  private handler: ResponseHandler | undefined;
  /** Of head and trailers, what was read so far. */
  private text = '';
  /** The empty line behind it has come. */
  private isTextWhole = false;
  /** Of a body or chunk of known length, what is still to come. */
  private left = 0;
  private digits = 0;
  private extensionChars = 0;
  private head: ResponseHead | undefined;
  /** A head of an answer before this one, and what it says. */
  private keptText = '';
  private keptHead: ResponseHead | undefined;

  /** One answer is expected from here on. */
  begin(handler: ResponseHandler): void {
    this.part = 'head';
    this.handler = handler;
    this.expectText('');
    this.head = undefined;
  }

  /** Nothing more is expected, and nothing told of. */
  stop(): void {
    this.part = 'nothing';
    this.handler = undefined;
  }

  /** Of the answer that was begun last; undefined before it has come. */
  get lastHead(): ResponseHead | undefined {
    return this.head;
  }

  /** Takes what was read, `bytes` to before `end`. @throws NotHttpError; what its handler throws */
  take(bytes: Buffer, end: number): ReadState {
    let at = 0;
    while (at < end) {
      switch (this.part) {
        case 'head':
          at = this.takeHead(bytes, at, end);
          break;
        case 'counted body':
        case 'chunk':
          at = this.takeCounted(bytes, at, end);
          break;
        case 'body until close':
          this.handler?.onBody(bytes, at, end);
          at = end;
          break;
        case 'chunk size':
          at = this.takeChunkSize(bytes, at, end);
          break;
        case 'chunk extension':
          at = this.takeExtension(bytes, at, end);
          break;
        case 'end of size':
          expect(bytes[at++], LF);
          this.beginChunk();
          break;
        case 'end of chunk':
          expect(bytes[at++], CR);
          this.part = 'last of chunk';
          break;
        case 'last of chunk':
          expect(bytes[at++], LF);
          this.beginSize();
          break;
        case 'trailers':
          at = this.takeTrailers(bytes, at, end);
          break;
        case 'nothing':
          return 'surplus';
      }
    }
    return this.part === 'nothing' ? 'whole' : 'partial';
  }

  /** The connection has ended: true when that is how the answer was to end. */
  finish(): boolean {
    const isWhole = this.part === 'body until close';
    this.stop();
    return isWhole;
  }

  private takeHead(bytes: Buffer, at: number, end: number): number {
    // An empty line before an answer: some send one behind the answer before.
    if (this.text === '' && (bytes[at] === CR || bytes[at] === LF)) return at + 1;
    const next = this.takeText(bytes, at, end);
    if (!BEGINNING.startsWith(this.text.slice(0, BEGINNING.length)))
      throw new NotHttpError('no beginning of an answer');
    if (this.isTextWhole) this.endHead();
    return next;
  }

  private endHead(): void {
    const head = this.headOf(this.text);
    this.expectText('');
    if (head.status === 101) throw new NotHttpError('another protocol, which was not asked for');
    // There may be any number of interim answers before the one that counts.
    if (head.status < 200) return;
    this.head = head;
    this.handler?.onHead(head);
    // Whoever was told may have given it up.
    if (this.part === 'nothing') return;
    if (head.body === 'chunked') this.beginSize();
    else if (head.body === 'until close') this.part = 'body until close';
    else this.beginCounted(head.body);
  }

  private headOf(text: string): ResponseHead {
    if (this.keptHead && text === this.keptText) return this.keptHead;
    const head = parseHead(text);
    if (text.length > KEPT_HEAD_CHARS) return head;
    this.keptText = text;
    this.keptHead = head;
    return head;
  }

  private beginCounted(bytes: number): void {
    this.left = bytes;
    this.part = 'counted body';
    if (bytes === 0) this.stop();
  }

  private beginSize(): void {
    this.part = 'chunk size';
    this.left = 0;
    this.digits = 0;
    this.extensionChars = 0;
  }

  private takeChunkSize(bytes: Buffer, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const byte = bytes[at] as number;
      const digit = hexDigit(byte);
      if (digit !== -1) {
        this.left = this.left * 16 + digit;
        if (++this.digits > MAX_SIZE_DIGITS || this.left > MAX_CHUNK_BYTES)
          throw new NotHttpError('a chunk of more than any engine sends');
        continue;
      }
      if (this.digits === 0) throw new NotHttpError('a chunk without a size');
      if (byte === CR) this.part = 'end of size';
      else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.part = 'chunk extension';
      else throw new NotHttpError('a size of a chunk that is none');
      return at + 1;
    }
    return end;
  }

  /** It means nothing to us (RFC 9112, section 7.1.1). */
  private takeExtension(bytes: Buffer, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const byte = bytes[at];
      if (byte === CR) {
        this.part = 'end of size';
        return at + 1;
      }
      if (byte === LF || ++this.extensionChars > MAX_HEAD_CHARS) throw new NotHttpError('an extension without an end');
    }
    return end;
  }

  private beginChunk(): void {
    this.part = this.left === 0 ? 'trailers' : 'chunk';
    // An empty line ends them, also where there are none.
    this.expectText('\r\n');
  }

  private takeCounted(bytes: Buffer, at: number, end: number): number {
    const next = Math.min(end, at + this.left);
    this.left -= next - at;
    const isWhole = this.left === 0;
    this.handler?.onBody(bytes, at, next);
    if (!isWhole) return next;
    if (this.part === 'chunk') this.part = 'end of chunk';
    else this.stop();
    return next;
  }

  private takeTrailers(bytes: Buffer, at: number, end: number): number {
    const next = this.takeText(bytes, at, end);
    if (!this.isTextWhole) return next;
    checkTrailers(this.text.trimStart());
    this.stop();
    return next;
  }

  private expectText(before: string): void {
    this.text = before;
    this.isTextWhole = false;
  }

  /** Adds to the text up to the empty line, which is left out, and gives where it got to. */
  private takeText(bytes: Buffer, at: number, end: number): number {
    const before = this.text.length;
    const until = Math.min(end, at + PIECE_BYTES);
    this.text += bytes.toString('latin1', at, until);
    emptyLine.lastIndex = Math.max(0, before - MOST_OF_EMPTY_LINE);
    const endAt = emptyLine.exec(this.text)?.index;
    // The same wherever it was cut.
    if ((endAt ?? this.text.length - MOST_OF_EMPTY_LINE) > MAX_HEAD_CHARS)
      throw new NotHttpError('a head that is longer than any engine sends');
    if (endAt === undefined) return until;
    this.text = this.text.slice(0, endAt);
    this.isTextWhole = true;
    return at + emptyLine.lastIndex - before;
  }
}

function expect(byte: number | undefined, wanted: number): void {
  if (byte !== wanted) throw new NotHttpError('a chunk that does not end where it should');
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
