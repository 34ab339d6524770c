import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Writes the body of an event stream. Once the head is out, frames go straight to the socket with their chunk framing in one
 * piece: `response.write` would make three writes of it, corked into a writev, which at one token a write is a third of what
 * a token costs.
 */
export class SseSocket {
  private socket: Socket | undefined;
  /** The head goes out with the first write of the response, so that one must be its own. */
  private begun = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly onDrain: () => void,
  ) {
    response.on('drain', onDrain);
  }

  /** False when the reader's buffers are full: `onDrain` follows. */
  write(frames: Buffer): boolean {
    const socket = (this.socket ??= this.takeSocket());
    if (!socket) {
      this.begun = true;
      return this.response.write(frames);
    }
    return socket.write(chunkOf(frames));
  }

  get isFull(): boolean {
    return this.response.writableNeedDrain || (this.socket?.writableNeedDrain ?? false);
  }

  /** Writes the last chunk; the connection can be used again. */
  end(): void {
    this.release();
    this.response.end();
  }

  release(): void {
    this.socket?.off('drain', this.onDrain);
    this.response.off('drain', this.onDrain);
  }

  /** Undefined while a pipelined request waits for its turn, or for a client that knows no chunks. */
  private takeSocket(): Socket | undefined {
    const { socket, chunkedEncoding } = this.response;
    if (!this.begun || !socket || !chunkedEncoding) return undefined;
    socket.on('drain', this.onDrain);
    return socket;
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
