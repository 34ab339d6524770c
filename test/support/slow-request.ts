import { connect, type Socket } from 'node:net';
import { parseHttpMessage, type HttpMessage } from './http-message';

/** A request that is sent piece by piece over a connection of its own, and may stop in the middle. */
export class SlowRequest {
  private received = Buffer.alloc(0);
  private readonly changed = new Set<() => void>();
  private isOver = false;

  private constructor(private readonly socket: Socket) {
    const tell = (): void => this.changed.forEach(look => look());
    socket.on('data', piece => {
      this.received = Buffer.concat([this.received, piece]);
      tell();
    });
    socket.on('error', () => undefined);
    const finish = (): void => {
      this.isOver = true;
      tell();
    };
    socket.on('end', finish);
    socket.on('close', finish);
  }

  static open(url: string): Promise<SlowRequest> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true }, () =>
        resolve(new SlowRequest(socket)),
      );
      socket.once('error', reject);
    });
  }

  /** Resolves when the system has taken it; rejects where the connection is reset before. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => this.socket.write(bytes, fault => (fault ? reject(fault) : resolve())));
  }

  /** Says that this was all; what comes back is still read. */
  end(): void {
    this.socket.end();
  }

  /** Once the answer is complete, or the service has closed. */
  answer(): Promise<HttpMessage> {
    return this.when(() => {
      const message = parseHttpMessage(this.received, this.isOver);
      return message.complete || this.isOver ? message : undefined;
    });
  }

  /** Everything that came, once it holds this. */
  textWith(wanted: string): Promise<string> {
    return this.when(() => {
      const text = this.received.toString();
      return text.includes(wanted) ? text : undefined;
    });
  }

  /** When the service has closed its side. */
  closed(): Promise<boolean> {
    return this.when(() => this.isOver || undefined);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private when<T>(found: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const result = found();
        if (result === undefined && !this.isOver) return;
        this.changed.delete(look);
        clearTimeout(timer);
        if (result !== undefined) resolve(result);
        else reject(new Error(`the connection closed after: ${this.received.toString('utf8', 0, 500)}`));
      };
      const timer = setTimeout(
        () => reject(new Error(`nothing in 30 s but: ${this.received.toString('utf8', 0, 500)}`)),
        30_000,
      );
      this.changed.add(look);
      look();
    });
  }
}
