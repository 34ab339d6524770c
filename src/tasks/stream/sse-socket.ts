import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Writes the body of an event stream. Frames go straight to the socket with their chunk framing in one piece: `response.write` would
 * make three writes of it, corked into a writev, which at one token a write is a third of what a token costs. It is either that or
 * `response.write` for all of a stream, never both: what is written by it may be kept back until the end of the turn.
 */
export class SseSocket {
  private socket: Socket | undefined;
  private begun = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly onDrain: () => void,
  ) {
    response.on('drain', onDrain);
  }

  /** False when the reader's buffers are full: `onDrain` follows. */
  write(frames: Buffer): boolean {
    this.begin();
    return this.socket ? this.socket.write(chunkOf(frames)) : this.response.write(frames);
  }

  get isFull(): boolean {
    return this.response.writableNeedDrain || (this.socket?.writableNeedDrain ?? false);
  }

  /** Writes the last chunk, in one piece with the last frames; the connection can be used again. */
  end(frames?: Buffer): void {
    const { socket } = this.response;
    socket?.cork();
    if (frames && frames.length > 0) this.write(frames);
    this.release();
    this.response.end();
    socket?.uncork();
  }

  release(): void {
    this.socket?.off('drain', this.onDrain);
    this.response.off('drain', this.onDrain);
  }

  /** Sends the head, in one piece with what is written this turn. */
  begin(): void {
    if (this.begun) return;
    this.begun = true;
    const { response } = this;
    // None while a pipelined request waits for its turn.
    const { socket } = response;
    socket?.cork();
    response.flushHeaders();
    if (!socket) return;
    process.nextTick(() => socket.uncork());
    // A client may know no chunks.
    if (!response.chunkedEncoding) return;
    this.socket = socket;
    socket.on('drain', this.onDrain);
  }
}

/** A chunk of a chunked body (RFC 9112, section 7.1). */
function chunkOf(content: Buffer): Buffer {
  const head = `${content.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(head.length + content.length + 2);
  chunk.write(head, 'latin1');
  content.copy(chunk, head.length);
  chunk.write('\r\n', head.length + content.length, 'latin1');
  return chunk;
}
