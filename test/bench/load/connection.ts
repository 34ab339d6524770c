import { connect, type Socket } from 'node:net';

/** Takes one response as it comes. */
export interface ResponseSink {
  head(status: number): void;
  /** A part of the body, without its framing; may end anywhere. */
  body(text: string): void;
  end(): void;
  /** The connection went before the response was whole. */
  broken(cause: Error): void;
}

type Phase = 'idle' | 'head' | 'sized' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer';

/**
 * One keep-alive HTTP/1.1 connection, one request at a time, with no more work for a byte than it takes to find where a
 * response ends: whoever measures must not be what is slow. Texts are latin1, so a character is a byte.
 */
export class Connection {
  private readonly socket: Socket;
  private sink: ResponseSink | undefined;
  private phase: Phase = 'idle';
  /** Received and not taken yet: a line that is not whole. */
  private rest = '';
  /** Bytes left of the body or chunk. */
  private left = 0;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => this.take(text));
    this.socket.on('error', cause => this.break(cause));
    this.socket.on('close', () => this.break(new Error('the connection was closed')));
  }

  /** False once the other side has closed it, as it does to one that has long been idle. */
  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  /** Sends a request on a connection that is open; the response before it has ended. */
  send(request: string, sink: ResponseSink): void {
    if (!this.isOpen) throw new Error('the connection is closed');
    if (this.phase !== 'idle') throw new Error('the response before this request has not ended');
    this.sink = sink;
    this.phase = 'head';
    this.socket.write(request, 'latin1');
  }

  close(): void {
    this.phase = 'idle';
    this.sink = undefined;
    this.socket.destroy();
  }

  private break(cause: Error): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.broken(cause);
  }

  private take(text: string): void {
    const all = this.rest === '' ? text : this.rest + text;
    this.rest = '';
    let at = 0;
    while (at < all.length) {
      const next = this.step(all, at);
      if (next < 0) {
        this.rest = all.slice(at);
        return;
      }
      at = next;
    }
  }

  /** Takes one thing from `at` on, and gives where the next begins; -1 where it is not whole. */
  private step(text: string, at: number): number {
    switch (this.phase) {
      case 'idle':
        throw new Error(`bytes that belong to no response: ${text.slice(at, at + 100)}`);
      case 'head': {
        const end = text.indexOf('\r\n\r\n', at);
        if (end < 0) return -1;
        this.takeHead(text.slice(at, end));
        return end + 4;
      }
      case 'sized':
      case 'chunk': {
        const part = text.slice(at, at + this.left);
        this.left -= part.length;
        this.sink?.body(part);
        if (this.left === 0 && this.phase === 'chunk') this.phase = 'chunk-end';
        else if (this.left === 0) this.complete();
        return at + part.length;
      }
      case 'chunk-size': {
        const end = text.indexOf('\r\n', at);
        if (end < 0) return -1;
        this.left = parseInt(text.slice(at, end), 16);
        this.phase = this.left > 0 ? 'chunk' : 'trailer';
        return end + 2;
      }
      case 'chunk-end':
        if (text.length < at + 2) return -1;
        this.phase = 'chunk-size';
        return at + 2;
      case 'trailer':
        if (text.length < at + 2) return -1;
        this.complete();
        return at + 2;
    }
  }

  private takeHead(head: string): void {
    this.sink?.head(Number(head.slice(9, 12)));
    if (/^transfer-encoding: *chunked/im.test(head)) {
      this.phase = 'chunk-size';
      return;
    }
    this.left = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    this.phase = 'sized';
    if (this.left === 0) this.complete();
  }

  private complete(): void {
    const { sink } = this;
    this.phase = 'idle';
    this.sink = undefined;
    sink?.end();
  }
}
