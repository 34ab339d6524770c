import type { ServerResponse } from 'node:http';
import type { Subscription } from 'rxjs';
import type { EventSource } from './event-source';
import { SseSocket } from './sse-socket';

/** Written at once to a reader that is far behind; one that keeps pace gets what there is. */
const CHUNK_BYTES = 64 * 1024;
/** How long a client that lost its connection waits before it comes back. Sent once. */
const RETRY_FRAME = 'retry: 1000\n\n';
const HEARTBEAT_FRAME = ': keep-alive\n\n';

/**
 * One reader of one task: a cursor, a socket, and nothing queued between them. A wake-up while the socket is full is
 * ignored; when it drains, reading goes on from the cursor.
 */
export class SseStream {
  /** Milliseconds of the monotonic clock at which something was last written. */
  lastWriteMs = 0;
  private readonly socket: SseSocket;
  private wakes: Subscription | undefined;
  private reading = false;
  private again = false;
  private blocked = false;
  private over = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly source: EventSource,
    private cursor: number,
    private readonly nowMs: () => number,
    private readonly onClose: () => void,
  ) {
    this.socket = new SseSocket(response, () => void this.follow());
  }

  /** Sends the head and everything there is; follows until the terminal event or until the reader leaves. */
  start(headers: Readonly<Record<string, string | number | string[]>>): void {
    const { response, source } = this;
    // The response's close, not the request's: that one fires once its body was read, or never.
    response.once('close', () => this.close());
    response.on('error', () => this.close());
    response.writeHead(200, headers);
    this.write(RETRY_FRAME);
    this.wakes = source.more$.subscribe(() => void this.follow());
    void this.follow();
  }

  /** Has sent nothing of the log yet. */
  get atStart(): boolean {
    return this.cursor === 0;
  }

  /** Writes a frame that is not in the log, unless the socket is full or the stream over. */
  pass(frame: string): void {
    if (!this.blocked && !this.over) this.write(frame);
  }

  heartbeat(): void {
    this.pass(HEARTBEAT_FRAME);
  }

  /** Ends the response where it stands: the reader can come back and go on from its last id. */
  end(): void {
    if (this.over) return;
    this.socket.end();
    this.close();
  }

  private async follow(): Promise<void> {
    this.blocked &&= this.socket.isFull;
    this.again = true;
    if (this.reading) return;
    this.reading = true;
    try {
      while (this.again) {
        this.again = false;
        await this.readOn();
      }
    } catch {
      // What was sent is whole frames; the reader comes back with its last id.
      this.response.destroy();
    } finally {
      this.reading = false;
    }
  }

  private async readOn(): Promise<void> {
    while (!this.blocked && !this.over) {
      const chunk = await this.source.read(this.cursor, CHUNK_BYTES);
      if (!chunk || this.over) return;
      this.cursor = chunk.lastSeq;
      this.write(chunk.frames);
      if (chunk.terminal) this.end();
    }
  }

  private write(frames: string): void {
    this.lastWriteMs = this.nowMs();
    this.blocked = !this.socket.write(frames);
  }

  private close(): void {
    if (this.over) return;
    this.over = true;
    this.wakes?.unsubscribe();
    this.socket.release();
    this.onClose();
  }
}
