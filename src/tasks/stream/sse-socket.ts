import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Writes the body of an event stream. Once the head is out, frames go straight to the socket with their chunk framing in one
 * string: `response.write` would make three writes of it, corked into a writev, which at one token a write is a third of what
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
  write(frames: string): boolean {
    const socket = (this.socket ??= this.takeSocket());
    if (!socket) {
      this.begun = true;
      return this.response.write(frames);
    }
    return socket.write(`${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n`);
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
