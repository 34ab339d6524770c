import { connect, type Socket } from 'node:net';
import { parseHttpMessage, type HttpMessage } from '../support/http-message';

/** A frame of the native stream. */
export interface CompletionFrame {
  readonly content: string;
  readonly tokens: readonly number[];
  readonly stop: boolean;
  readonly tokens_predicted: number;
  readonly stop_type?: string;
}

/** How a connection ended: by the response's own end, by a close, or by a reset. */
type End = 'complete' | 'closed' | 'reset';

/** A streamed completion over a connection of its own. */
export class CompletionClient {
  /** Resolves when the response is complete or the connection over. */
  readonly ended: Promise<End>;
  private readonly socket: Socket;
  private received = Buffer.alloc(0);

  constructor(url: string, body: object, path = '/completion') {
    const { hostname, port } = new URL(url);
    const text = JSON.stringify({ prompt: 'Hello world', stream: true, ...body });
    this.socket = connect(Number(port), hostname);
    this.socket.write(
      `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    this.ended = new Promise(resolve => {
      this.socket.on('data', piece => {
        this.received = Buffer.concat([this.received, piece]);
        if (this.message.complete) resolve('complete');
      });
      this.socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNRESET' ? 'reset' : 'closed'));
      this.socket.on('close', () => resolve('closed'));
    });
    void this.ended.then(() => this.socket.destroy());
  }

  get bytes(): number {
    return this.received.length;
  }

  /** The response as far as it has come. */
  get message(): HttpMessage {
    return parseHttpMessage(this.received, false);
  }

  get frames(): CompletionFrame[] {
    const events = this.message.body.split('\n\n').filter(Boolean);
    return events.map(event => JSON.parse(event.replace(/^data: /, '')) as CompletionFrame);
  }

  get text(): string {
    return this.frames.map(({ content }) => content).join('');
  }

  /** Closes the connection, as a client that goes. */
  leave(): void {
    this.socket.destroy();
  }
}
