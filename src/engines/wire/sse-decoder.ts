import { ServiceError } from '../../errors/service-error';
import { Utf8Decoder } from './utf8-decoder';

const PLAIN = 'data: ';
const LF = 0x0a;

/**
 * Decodes an engine's SSE bytes into the `data` of its events (WHATWG HTML, section 9.2.6), wherever the chunks are cut:
 * inside a UTF-8 sequence, a line end, a field name. Other fields (event, id, retry) and comments say nothing here, but for
 * `error`, which is no field of SSE: some engines put the reason there when a stream fails.
 *
 * What is kept between chunks is one unfinished line and the data lines before it, each within the bound.
 */
export class SseDecoder {
  private readonly utf8 = new Utf8Decoder();
  /** The line whose end has not come. Appending to it costs nothing: V8 joins the pieces when the line is read, once. */
  private line = '';
  /** `data` of the event being read; undefined before its first data line. */
  private data: string | undefined;
  private atStart = true;
  /** The last chunk ended in CR: an LF at the head of the next belongs to it. */
  private afterCr = false;

  constructor(
    /** Bound of a line, and of an event's data, in UTF-16 units. */
    private readonly maxChars: number,
    private readonly onData: (data: string) => void,
    private readonly onError: (text: string) => void = () => undefined,
  ) {}

  /** Hands on the events that are complete now, with `bytes` from `start` to before `end`. @throws ServiceError ENGINE_PROTOCOL past the bound; what `onData` throws */
  push(bytes: Buffer, start = 0, end = bytes.length): void {
    let text = this.utf8.textOf(bytes, start, end);
    if (text === '') return;
    if (this.atStart) {
      this.atStart = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    if (this.afterCr || text.includes('\r')) text = this.withPlainLineEnds(text);
    this.takeLines(this.line === '' && this.data === undefined ? this.takePlainEvents(text) : text);
  }

  /** Hands on whole events of one data line each, which is all that most chunks hold; what is left begins with something else. */
  private takePlainEvents(text: string): string {
    let from = 0;
    while (text.startsWith(PLAIN, from)) {
      const end = text.indexOf('\n', from);
      if (end === -1 || text.charCodeAt(end + 1) !== LF) break;
      const data = this.bounded(text.slice(from + PLAIN.length, end));
      from = end + 2;
      this.onData(data);
    }
    return text.slice(from);
  }

  /** The stream is over: hands on an event that is whole but for its line end or its blank line. */
  finish(): void {
    const { line } = this;
    this.line = '';
    if (line !== '') this.takeLine(line);
    this.takeLine('');
  }

  private withPlainLineEnds(text: string): string {
    const rest = this.afterCr && text.startsWith('\n') ? text.slice(1) : text;
    this.afterCr = rest.endsWith('\r');
    return rest.replace(/\r\n?/g, '\n');
  }

  private takeLines(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      const tail = text.slice(from, end);
      from = end + 1;
      if (this.line === '') {
        this.takeLine(tail);
      } else {
        const line = this.line + tail;
        this.line = '';
        this.takeLine(line);
      }
    }
    if (from < text.length) this.line = this.bounded(this.line + text.slice(from));
  }

  private takeLine(line: string): void {
    if (line === '') {
      const { data } = this;
      this.data = undefined;
      if (data !== undefined) this.onData(data);
      return;
    }
    if (!line.startsWith('data')) {
      if (line.startsWith('error:')) this.onError(line.slice(6).trim());
      return;
    }
    let value = '';
    if (line.length > 4) {
      if (line.charCodeAt(4) !== 0x3a) return; // A field whose name only begins like ours.
      value = line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5);
    }
    this.data = this.bounded(this.data === undefined ? value : `${this.data}\n${value}`);
  }

  private bounded(text: string): string {
    if (text.length <= this.maxChars) return text;
    throw new ServiceError('ENGINE_PROTOCOL', {
      message: 'The engine sent an event that is longer than any engine sends.',
    });
  }
}
