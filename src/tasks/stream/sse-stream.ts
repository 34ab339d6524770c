import type { ServerResponse } from 'node:http';
import type { Subscription } from 'rxjs';
import { whenClosed } from '../../http/answers/when-closed';
import type { LogChunk } from '../events/event-log.port';
import type { EventFeed } from './event-feed';
import { soundOut } from './soundings';
import { SseSocket } from './sse-socket';
import type { StreamTurns } from './stream-turns';

/** Fields of the head of a stream. */
type StreamHeaders = Record<string, string | number | string[]>;

/** Written at once to a reader that is far behind; one that keeps pace gets what there is. */
const CHUNK_BYTES = 64 * 1024;
/** What a stream says beside what it reads. */
export interface StreamManners {
  /** Sent with the head. */
  readonly opening: Buffer;
  /** Sent after a while in which there was nothing to say. */
  readonly keepAlive: Buffer;
  /** Where it is none of server-sent events. */
  readonly contentType?: string;
  /** Sent where the service ends the stream before it is complete; undefined where the reader can come back. */
  readonly farewell?: Buffer;
}

const manners: StreamManners = {
  /** How long a client that lost its connection waits before it comes back. */
  opening: Buffer.from('retry: 1000\n\n'),
  keepAlive: Buffer.from(': keep-alive\n\n'),
};
const streamHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  // For nginx.
  'X-Accel-Buffering': 'no',
} as const;

/**
 * One reader of one task: a cursor, a socket, and nothing queued between them. However often it is woken, it reads once a
 * turn; while the socket is full it does not read at all, and when that drains, reading goes on from the cursor.
 */
export class SseStream {
  /** Milliseconds of the monotonic clock at which something was last written. */
  lastWriteMs = 0;
  /** The client sends nothing more: it may read on, or have left. */
  isHalfClosed = false;
  private readonly socket: SseSocket;
  private wakes: Subscription | undefined;
  /** A read is due at the end of this turn. */
  private due = false;
  /** A read is under way that did not have its answer at hand. */
  private reading = false;
  /** There may be more than what that read saw. */
  private again = false;
  private blocked = false;
  private over = false;
  /** Of the head that is still to be sent. */
  private headers: StreamHeaders | undefined;
  private endSoundings: (() => void) | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly feed: EventFeed,
    private cursor: number,
    private readonly turns: StreamTurns,
    private readonly onClose: () => void,
    private readonly says: StreamManners = manners,
  ) {
    this.socket = new SseSocket(response, this.wake);
  }

  /**
   * Sends the head and everything there is at the end of this turn; follows until the terminal event or until the reader leaves.
   * @param headers the stream's own from here on
   */
  start(headers: StreamHeaders): void {
    const { response } = this;
    // The response's close, not the request's: that one fires once its body was read, or never.
    whenClosed(response, () => this.close());
    if (this.over) return;
    response.on('error', () => this.close());
    response.req.socket.once('end', this.onHalfClosed);
    const { contentType } = this.says;
    Object.assign(headers, streamHeaders);
    if (contentType !== undefined) headers['Content-Type'] = contentType;
    this.headers = headers;
    this.turns.begin(this.begin);
  }

  /** Has sent nothing of the log yet. */
  get atStart(): boolean {
    return this.cursor === 0;
  }

  /** Writes a frame that is not in the log, unless the socket is full or the stream over. */
  pass(frame: Buffer): void {
    this.begin();
    if (!this.blocked && !this.over) this.write(frame);
  }

  heartbeat(): void {
    this.pass(this.says.keepAlive);
  }

  /** Ends the response with what there is by now: the reader can come back and go on from its last id. */
  end(): void {
    this.begin();
    if (this.due) this.readOn();
    this.finish(this.blocked ? undefined : this.says.farewell);
  }

  /** Sends the head, unless that was done: at the end of the turn, or before what cannot wait for it. */
  private readonly begin = (): void => {
    const { headers, response } = this;
    if (!headers || this.over) return;
    this.headers = undefined;
    // Above this is nobody but the event loop.
    try {
      response.writeHead(200, headers);
      this.socket.begin();
      if (this.says.opening.length > 0) this.write(this.says.opening);
      if (response.req.socket.readableEnded && !this.isHalfClosed) this.onHalfClosed();
      this.wakes = this.feed.follow(this.wake);
    } catch {
      this.breakOff();
      return;
    }
    this.readOn();
  };

  /** A client that leaves looks like one that has closed its side of the connection and reads on. */
  private readonly onHalfClosed = (): void => {
    this.isHalfClosed = true;
    this.endSoundings = soundOut(() => this.heartbeat(), false);
  };

  /** There may be more to read, or room to write it. */
  private readonly wake = (): void => {
    if (this.reading) {
      this.again = true;
      return;
    }
    if (this.due || this.over) return;
    this.due = true;
    this.turns.schedule(this.readOn, this.lastWriteMs);
  };

  private readonly readOn = (): void => {
    this.due = false;
    this.again = false;
    this.blocked &&= this.socket.isFull;
    try {
      while (!this.blocked && !this.over) {
        const chunk = this.feed.read(this.cursor, CHUNK_BYTES);
        if (chunk instanceof Promise) {
          this.awaitChunk(chunk);
          return;
        }
        if (!chunk) return;
        this.take(chunk);
      }
    } catch {
      this.breakOff();
    }
  };

  private awaitChunk(later: Promise<LogChunk | undefined>): void {
    this.reading = true;
    later
      .then(chunk => {
        this.reading = false;
        if (this.over) return;
        if (chunk) this.take(chunk);
        if (chunk || this.again) this.readOn();
      })
      .catch(() => this.breakOff());
  }

  private take(chunk: LogChunk): void {
    this.cursor = chunk.lastSeq;
    if (chunk.terminal) this.finish(chunk.frames);
    // What was read may be nothing that this reader is told.
    else if (chunk.frames.length > 0) this.write(chunk.frames);
  }

  private finish(last?: Buffer): void {
    if (this.over) return;
    this.socket.end(last);
    this.close();
  }

  /** What was sent is whole frames: the reader comes back with its last id. */
  private breakOff(): void {
    this.response.destroy();
  }

  private write(frames: Buffer): void {
    this.lastWriteMs = this.turns.nowMs();
    this.blocked = !this.socket.write(frames);
  }

  private close(): void {
    if (this.over) return;
    this.over = true;
    this.wakes?.unsubscribe();
    this.endSoundings?.();
    this.response.req.socket.off('end', this.onHalfClosed);
    this.socket.release();
    this.onClose();
  }
}
