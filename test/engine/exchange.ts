import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { abortable } from './abortable';
import type { HttpDialect } from './http-dialect';
import type { WireError, HeaderList } from './wire-error';

/** One request and its answer, with the headers that the dialect gives it, in its order. */
export class Exchange {
  readonly url: URL;
  /** Aborted when the connection closes before the answer is complete. */
  readonly signal: AbortSignal;
  /** A router passes the headers of the model's own server on, `Connection: close` among them. */
  proxied = false;
  /** Whether each chunk of a stream is cut in two within its first character of several bytes. */
  cutsCharacters = false;
  /** Of a JSON answer, and of a stream; a route may have its own. */
  readonly types: { json: string; stream: string };
  /** Headers that every answer to this request has. */
  more: HeaderList = [];

  constructor(
    readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    readonly body: string,
    private readonly dialect: HttpDialect,
  ) {
    const address = `http://engine${request.url ?? '/'}`;
    this.url = new URL(URL.canParse(address) ? address : 'http://engine/');
    const gone = new AbortController();
    this.signal = gone.signal;
    this.types = { json: dialect.json, stream: dialect.stream };
    response.sendDate = false;
    // The response's close, not the request's: that one is over once the body was read.
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the client went'));
    });
  }

  /** Whether any of the answer has been handed to the connection. */
  get begun(): boolean {
    return this.response.headersSent;
  }

  /** Whether nobody reads the answer any more. */
  get isGone(): boolean {
    return this.signal.aborted || this.response.destroyed;
  }

  /** On its connection so far. */
  get bytesWritten(): number {
    return this.request.socket.bytesWritten;
  }

  /** The body as JSON; undefined where it is none. */
  json(): unknown {
    try {
      return JSON.parse(this.body) as unknown;
    } catch {
      return undefined;
    }
  }

  sendJson(status: number, body: object, more: HeaderList = []): void {
    this.send(status, this.types.json, JSON.stringify(body), more);
  }

  send(status: number, contentType: string, text: string, more: HeaderList = []): void {
    this.head(status, contentType, Buffer.byteLength(text), more);
    this.response.end(text);
  }

  /** Sends the answer that an error stands for; nothing where one has begun. */
  sendError({ status, body, form }: WireError): void {
    const { contentType = 'text/plain; charset=utf-8', headers = [], frames } = form;
    if (frames) {
      this.types.stream = form.contentType ?? this.types.stream;
      this.headStream(status, headers);
      this.stream(frames);
      this.endStream();
    } else if (typeof body === 'string') this.send(status, contentType, body, headers);
    else this.send(status, form.contentType ?? this.types.json, JSON.stringify(body), headers);
  }

  /** Sends a part of an event stream; the headers go with the first. Each text becomes one HTTP chunk. */
  stream(chunks: readonly (string | Buffer)[]): void {
    const parts = chunks.filter(chunk => chunk.length > 0).map(chunk => Buffer.from(chunk));
    if (chunks.length > 0) this.headStream();
    if (parts.length === 0) return;
    const cut = this.cutsCharacters ? parts.flatMap(halves) : parts;
    // By hand, for newer versions of Node make one HTTP chunk of all that is written in a turn.
    this.socket.write(Buffer.concat(this.response.chunkedEncoding ? cut.map(chunkOf) : cut));
  }

  endStream(): void {
    this.headStream();
    this.response.end();
  }

  /** Resolves when the reader took what was sent, as far as the socket's buffers tell; rejects when it goes instead. */
  drained(): Promise<void> {
    if (!this.socket.writableNeedDrain) return Promise.resolve();
    return abortable<void>(this.signal, done => {
      this.socket.once('drain', done);
      return () => this.socket.off('drain', done);
    });
  }

  /** Resolves when all that was sent is with the operating system. */
  flushed(): Promise<void> {
    return abortable<void>(this.signal, done => {
      this.socket.write('', () => done());
      return () => undefined;
    });
  }

  destroy(): void {
    this.response.destroy();
  }

  /** Closes the connection with a TCP reset. */
  reset(): void {
    this.request.socket.resetAndDestroy();
  }

  /** Sends status and headers of a stream, with nothing behind them yet. */
  openStream(): void {
    this.headStream();
  }

  private get socket(): Socket {
    return this.request.socket;
  }

  private headStream(status = 200, more: HeaderList = []): void {
    if (this.begun) return;
    this.head(status, this.types.stream, undefined, more);
    // The head goes out with the chunks of this turn.
    this.socket.cork();
    this.response.flushHeaders();
    process.nextTick(() => this.socket.uncork());
  }

  private head(status: number, contentType: string, length: number | undefined, more: HeaderList): void {
    const { dialect, proxied, response, request } = this;
    const leaves = !response.shouldKeepAlive;
    const closes = length === undefined ? leaves && !proxied : leaves || (status >= 400 && dialect.closesOnError);
    // Ours is among the dialect's headers where there is one.
    response.removeHeader('Connection');
    const { origin } = request.headers;
    const all = this.more.length > 0 ? [...this.more, ...more] : more;
    const headers = dialect.headers({ status, contentType, length, closes, origin, proxied, more: all });
    response.writeHead(status, headers.flat());
  }
}

/** Cut behind the first byte of its first character of several; whole where it has none. */
function halves(chunk: Buffer): Buffer[] {
  const at = chunk.findIndex(byte => byte >= 0xc0);
  return at < 0 ? [chunk] : [chunk.subarray(0, at + 1), chunk.subarray(at + 1)];
}

/** A chunk of a chunked body (RFC 9112, section 7.1). */
function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
