import type { Socket } from 'node:net';

/** Any answer begins so; what is told here from the others is the code. */
const INTERIM = Buffer.from('HTTP/1.1 100');
const HEAD_END = Buffer.from('\r\n\r\n');
const NEITHER_ENDS = 3;

/**
 * Drops `100 Continue` where an answer begins. Any client must bear it, asked for or not (RFC 9110, section 15.2), and some
 * servers and proxies send it for every body; undici 7 takes it for a bad response and ends the connection.
 *
 * undici reads its sockets with `read()`, writes a request at once, and has one at a time on a connection (see
 * connection-pools.ts): so what is read first after something was written is the beginning of an answer.
 */
export function withoutUnaskedContinue(socket: Socket): Socket {
  let filter: ContinueFilter | undefined;
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    filter ??= new ContinueFilter();
    return write(...args);
  };
  socket.read = (size?: number) => {
    // Node itself asks with a size, to fill the buffer: nothing is taken out then.
    if (size !== undefined) return read(size);
    for (;;) {
      const chunk = read();
      if (chunk === null || !filter) return chunk;
      const passed = filter.pass(chunk);
      if (filter.done) filter = undefined;
      if (passed.length > 0) return passed;
    }
  };
  return socket;
}

/** The beginning of one answer: bytes are held until it is certain that they are of the real one. */
class ContinueFilter {
  done = false;
  private held: Buffer = Buffer.alloc(0);
  private inInterim = false;

  /** What may be passed on; nothing while that is not certain. */
  pass(chunk: Buffer): Buffer {
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    for (;;) {
      if (this.inInterim) {
        const end = this.held.indexOf(HEAD_END);
        if (end === -1) {
          // Its fields are of no use; the end may lie between two chunks.
          this.held = this.held.subarray(Math.max(0, this.held.length - NEITHER_ENDS));
          return Buffer.alloc(0);
        }
        this.held = this.held.subarray(end + HEAD_END.length);
        this.inInterim = false;
      }
      const seen = Math.min(this.held.length, INTERIM.length);
      if (this.held.compare(INTERIM, 0, seen, 0, seen) !== 0) {
        this.done = true;
        return this.held;
      }
      if (seen < INTERIM.length) return Buffer.alloc(0);
      this.inInterim = true;
    }
  }
}
