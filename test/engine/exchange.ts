import type { IncomingMessage, ServerResponse } from 'node:http';
import { abortable } from './abortable';
import { wireErrors } from './wire/errors';

type HeaderList = readonly (readonly [name: string, value: string])[];

/** cpp-httplib's, of which `max` is a constant on the wire. */
const KEEP_ALIVE = ['Keep-Alive', 'timeout=5, max=100'] as const;

/** One request and its answer, worded as llama.cpp's HTTP server words them: the same headers in the same order. */
export class Exchange {
  readonly url: URL;
  /** Aborted when the connection closes before the answer is complete. */
  readonly signal: AbortSignal;
  /** A router passes the headers of the model's own server on, `Connection: close` among them. */
  proxied = false;

  constructor(
    readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    readonly body: string,
  ) {
    const address = `http://engine${request.url ?? '/'}`;
    this.url = new URL(URL.canParse(address) ? address : 'http://engine/');
    const gone = new AbortController();
    this.signal = gone.signal;
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

  /** The body as an object. Throws the answer to one that is none. */
  json(): Readonly<Record<string, unknown>> {
    let value: unknown;
    try {
      value = JSON.parse(this.body);
    } catch {
      throw wireErrors.badJson(this.body);
    }
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  }

  sendJson(status: number, body: object, more: HeaderList = []): void {
    this.send(status, 'application/json; charset=utf-8', JSON.stringify(body), more);
  }

  send(status: number, contentType: string, text: string, more: HeaderList = []): void {
    const closes = status >= 400 || !this.response.shouldKeepAlive;
    this.head(status, [
      ...more,
      ['Content-Type', contentType],
      ['Content-Length', String(Buffer.byteLength(text))],
      closes ? ['Connection', 'close'] : KEEP_ALIVE,
    ]);
    this.response.end(text);
  }

  /** Sends a part of an event stream; the headers go with the first. Each text becomes one HTTP chunk. */
  stream(chunks: readonly (string | Buffer)[]): void {
    if (chunks.length > 0 && !this.begun) this.openStream();
    // Node gathers the chunks of one turn into one write to the socket.
    for (const chunk of chunks) this.response.write(chunk);
  }

  endStream(): void {
    if (!this.begun) this.openStream();
    this.response.end();
  }

  /** Resolves when the reader took what was sent, as far as the socket's buffers tell; rejects when it goes instead. */
  drained(): Promise<void> {
    if (!this.response.writableNeedDrain) return Promise.resolve();
    return abortable<void>(this.signal, done => {
      this.response.once('drain', done);
      return () => this.response.off('drain', done);
    });
  }

  /** Resolves when all that was sent is with the operating system. */
  flushed(): Promise<void> {
    return abortable<void>(this.signal, done => {
      this.response.write('', () => done());
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

  private openStream(): void {
    const closes = !this.response.shouldKeepAlive && !this.proxied;
    this.head(200, [
      ['X-Accel-Buffering', 'no'],
      ['Content-Type', 'text/event-stream'],
      ['Transfer-Encoding', 'chunked'],
      closes ? ['Connection', 'close'] : KEEP_ALIVE,
    ]);
  }

  private head(status: number, headers: HeaderList): void {
    // llama.cpp sends none on a connection that stays; ours is among `headers` where it does not.
    this.response.removeHeader('Connection');
    const origin = this.request.headers.origin ?? '';
    this.response.writeHead(
      status,
      [
        ['Server', 'llama.cpp'],
        ['Access-Control-Allow-Origin', origin],
        ...(this.proxied ? [['Connection', 'close'] as const] : []),
        ...headers,
      ].flat(),
    );
  }
}
