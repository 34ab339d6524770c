import type { Socket } from 'node:net';
import { endChunks, HEAD, tokenChunk } from './frames';

interface Stream {
  readonly socket: Socket;
  readonly count: number;
  sent: number;
}

/**
 * Paces any number of streams with one timer: a wheel of one bucket a millisecond, `tokenMs` buckets round. Each stream stays
 * in the bucket of the millisecond in which it began and gets a token whenever the hand passes it, so streams keep their
 * pace on average also where the timer is late.
 */
export class PaceWheel {
  private readonly buckets: Set<Stream>[];
  private readonly startMs = performance.now();
  /** Milliseconds since the start that the hand has passed. */
  private passedMs = 0;

  constructor(private readonly tokenMs: number) {
    this.buckets = Array.from({ length: tokenMs }, () => new Set<Stream>());
    setInterval(() => this.turn(), 1);
  }

  get active(): number {
    return this.buckets.reduce((sum, bucket) => sum + bucket.size, 0);
  }

  /** Sends the first token at once, as after a prefill of no length. */
  begin(socket: Socket, count: number): void {
    const stream = { socket, count, sent: 1 };
    socket.write(Buffer.concat([HEAD, tokenChunk(0), ...(count === 1 ? [endChunks(1)] : [])]));
    if (count === 1) return;
    // The bucket that has just been passed: its turn comes again after `tokenMs`.
    const bucket = this.bucketAt(this.passedMs);
    bucket.add(stream);
    socket.once('close', () => bucket.delete(stream));
  }

  private turn(): void {
    const nowMs = Math.floor(performance.now() - this.startMs);
    while (this.passedMs < nowMs) {
      const bucket = this.bucketAt(++this.passedMs);
      for (const stream of bucket) if (this.sendNext(stream)) bucket.delete(stream);
    }
  }

  /** True after the last one. */
  private sendNext(stream: Stream): boolean {
    const { socket, count } = stream;
    const token = tokenChunk(stream.sent++);
    if (stream.sent < count) {
      socket.write(token);
      return false;
    }
    socket.write(Buffer.concat([token, endChunks(count)]));
    return true;
  }

  private bucketAt(ms: number): Set<Stream> {
    return this.buckets[ms % this.tokenMs] as Set<Stream>;
  }
}
