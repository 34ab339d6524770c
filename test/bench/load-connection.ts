import { connect, type Socket } from 'node:net';

const LAST_CHUNK = '0\r\n\r\n';

/** What is asked over a {@link LoadConnection}. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadAnswer {
  readonly status: number;
  /** Empty where `onText` was given. Characters beyond ASCII stand as the bytes they are. */
  readonly body: string;
}

/**
 * A keep-alive connection for one request at a time, as cheap as can be: the load generator shares the machine with what it
 * measures. It knows what these servers send: a content length, or chunks.
 */
export class LoadConnection {
  private readonly socket: Socket;
  /** Undefined once the head of the answer is complete: what comes now is its body. */
  private head: string | undefined = '';
  private status = 0;
  /** Bytes of the body still to come; Infinity when it comes in chunks. */
  private left = Infinity;
  /** The end of what has come, for the last chunk may be cut in two. */
  private tail = '';
  private body = '';
  private onText: ((text: string) => void) | undefined;
  private settle: { resolve: (answer: LoadAnswer) => void; reject: (fault: Error) => void } | undefined;

  constructor(private readonly url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true });
    // Lengths are in bytes, and so are characters of latin1.
    this.socket.setEncoding('latin1');
    this.socket.on('data', text => this.take(text as unknown as string));
    this.socket.on('error', fault => this.settle?.reject(fault));
    this.socket.on('close', () =>
      this.settle?.reject(new Error('the connection was closed in the middle of an answer')),
    );
  }

  /** Resolves once the answer is complete; `onText` gets its body as it comes, chunk sizes included. */
  ask({ method, path, body, headers = {} }: LoadRequest, onText?: (text: string) => void): Promise<LoadAnswer> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const lines = [
      `${method} ${path} HTTP/1.1`,
      `Host: ${new URL(this.url).host}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`]),
    ];
    [this.head, this.left, this.tail, this.body, this.onText] = ['', Infinity, '', '', onText];
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(`${lines.join('\r\n')}\r\n\r\n${text}`);
    });
  }

  close(): void {
    this.settle = undefined;
    this.socket.destroy();
  }

  private take(text: string): void {
    if (this.head === undefined) return this.takeBody(text);
    this.head += text;
    const end = this.head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const [head, rest] = [this.head.slice(0, end), this.head.slice(end + 4)];
    this.head = undefined;
    this.status = Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    this.left = length === undefined ? Infinity : Number(length);
    if (this.status === 204 || this.left === 0) return this.end();
    if (rest !== '') this.takeBody(rest);
  }

  private takeBody(text: string): void {
    if (this.onText) this.onText(text);
    else this.body += text;
    this.left -= text.length;
    this.tail = (this.tail + text).slice(-LAST_CHUNK.length - 2);
    if (this.left <= 0 || (this.left === Infinity && this.tail.endsWith(LAST_CHUNK))) this.end();
  }

  private end(): void {
    const { settle } = this;
    this.settle = undefined;
    settle?.resolve({ status: this.status, body: this.body });
  }
}
