import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { PiecePace } from './piece-pace';

const CHUNK = '1\r\nx\r\n';
/** More than sockets hold, so that the server always has as much to read as it takes. */
const PIECES = 1_000_000;
/** What Node reads of a socket at a time. */
const READ_BYTES = 64 * 1024;

/** Of a body that comes byte by byte: its bytes, and how many pieces of it were handled in one turn of the event loop at the most. */
function receiveByteByByte(): Promise<{ bytes: number; mostInTurn: number }> {
  return new Promise((resolve, reject) => {
    let [bytes, inTurn, mostInTurn] = [0, 0, 0];
    let turn: NodeJS.Immediate;
    const endTurn = (): void => {
      mostInTurn = Math.max(mostInTurn, inTurn);
      inTurn = 0;
      turn = setImmediate(endTurn);
    };
    const server = createServer((request, response) => {
      const pace = new PiecePace(request);
      endTurn();
      request.on('data', (piece: Buffer) => {
        bytes += piece.length;
        inTurn++;
        pace.took();
      });
      request.on('end', () => {
        clearImmediate(turn);
        response.end();
        server.close();
        resolve({ bytes, mostInTurn });
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const client = connect(port, '127.0.0.1').on('error', reject);
      client.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n');
      client.end(`${CHUNK.repeat(PIECES)}0\r\n\r\n`);
      client.resume();
    });
  });
}

it('a body in small pieces takes one read of its socket in a turn of the event loop, and all of it arrives', async () => {
  const { bytes, mostInTurn } = await receiveByteByByte();
  expect(bytes).toBe(PIECES);
  expect(mostInTurn).toBeLessThanOrEqual(READ_BYTES / CHUNK.length + 1);
});

/** Of a body that comes byte by byte to a reader that takes one in each turn: how many more than it may hold waited for that at the most. */
function readSlowly(pieces: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let [taken, mostWaiting] = [0, 0];
    const server = createServer(request => {
      const pace = new PiecePace(request);
      request.on('data', () => {
        mostWaiting = Math.max(mostWaiting, request.readableLength);
        pace.took();
        request.pause();
        if (++taken < pieces) return setImmediate(() => request.resume());
        request.destroy();
        server.close();
        resolve(mostWaiting - request.readableHighWaterMark);
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const client = connect(port, '127.0.0.1').on('error', reject);
      client.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
      client.write(CHUNK.repeat(PIECES));
    });
  });
}

it('a body in small pieces that is read slowly waits in its client, all but one read of its socket', async () => {
  const tooMany = await readSlowly(20 * 256);
  expect(tooMany).toBeLessThanOrEqual(READ_BYTES / CHUNK.length + 1);
});
