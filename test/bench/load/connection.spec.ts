import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connection } from './connection';
import { exchange } from './exchange';

let server: Server;
let connection: Connection;
/** What each request is answered with, a piece a write. */
let pieces: string[];

beforeEach(async () => {
  server = createServer(socket => {
    socket.setNoDelay(true);
    socket.on('data', () => {
      const mine = [...pieces];
      const write = (): void => {
        const piece = mine.shift();
        if (piece === 'CLOSE') socket.destroy();
        else if (piece !== undefined) socket.write(piece, () => setImmediate(write));
      };
      write();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  connection = new Connection((server.address() as AddressInfo).port);
});

afterEach(() => {
  connection.close();
  server.close();
});

const chunked =
  'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n, world of pipes\r\n0\r\n\r\n';
const sized = 'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone';

describe('Connection', () => {
  it('reads one response after another, whole and byte by byte', async () => {
    for (const cut of [(text: string) => [text], (text: string) => [...text]]) {
      pieces = cut(chunked);
      expect(await exchange(connection, 'GET')).toEqual({ status: 202, text: 'hello, world of pipes' });
      pieces = cut(sized);
      expect(await exchange(connection, 'GET')).toEqual({ status: 404, text: 'gone' });
      pieces = cut('HTTP/1.1 204 No Content\r\n\r\n');
      expect(await exchange(connection, 'GET')).toEqual({ status: 204, text: '' });
    }
  });

  it('says so where the connection goes before the end', async () => {
    pieces = [chunked.slice(0, -5), 'CLOSE'];
    await expect(exchange(connection, 'GET')).rejects.toThrow('closed');
  });
});
