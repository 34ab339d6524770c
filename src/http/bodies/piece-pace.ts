import type { IncomingMessage } from 'node:http';

/** Of more that come at once, the rest waits for the next turn of the event loop. A body of few chunks has one piece for 64 KiB. */
const PIECES_AT_ONCE = 256;

/**
 * Lets others have a turn while a body comes in pieces: a client may send each byte in a chunk of its own, and a socket that holds much is
 * read up to 32 times in a row, which is a third of a million pieces and a second.
 */
export class PiecePace {
  private pieces = 0;

  constructor(private readonly request: IncomingMessage) {}

  /** To be called for each piece: what was read of the socket already still comes, and no more in this turn. */
  took(): void {
    if (++this.pieces !== PIECES_AT_ONCE) return;
    const { request } = this;
    // Node's own asks for more after each piece, and so undoes the pause.
    request._read = () => undefined;
    request.socket.pause();
    setImmediate(() => {
      this.pieces = 0;
      Reflect.deleteProperty(request, '_read');
      // One that holds all it may has a slow reader, and asks for more itself; once complete, it never does.
      if (request.complete || request.readableLength < request.readableHighWaterMark) request.socket.resume();
    });
  }
}
