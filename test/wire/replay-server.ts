import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/** The bytes of a recorded response: status line, headers and body as they came over the wire. */
export function recordedBytes(name: string): Buffer {
  return readFileSync(resolve(__dirname, `llama-server/${name}.http`));
}

/** The same of another engine's. */
export function recordingOf(engine: string, name: string): Buffer {
  return readFileSync(resolve(__dirname, `recordings/${engine}/${name}.http`));
}

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers one request on the raw connection. What it does not answer stays open. */
export type Answer = (socket: Socket, request: ReceivedRequest) => void | Promise<void>;

export interface ReplayServer {
  readonly url: string;
  /** In the order of their arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** Connections made so far, open or not. */
  readonly connections: readonly Socket[];
  close(): Promise<void>;
}

/** An engine's place taken by a bare TCP server: every byte and every end of a connection is the test's. */
export async function replayServer(answer: Answer): Promise<ReplayServer> {
  const requests: ReceivedRequest[] = [];
  const connections: Socket[] = [];
  const server = createServer({ noDelay: true }, socket => {
    connections.push(socket);
    socket.on('error', () => undefined); // A client that hangs up is part of many tests.
    readRequests(socket, request => {
      requests.push(request);
      void answer(socket, request);
    });
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections,
    close: () =>
      new Promise(closed => {
        server.close(() => closed());
        for (const socket of connections) socket.destroy();
      }),
  };
}

/** Answers every request with the same bytes. */
export function always(bytes: Buffer | string): Answer {
  return socket => void socket.write(bytes);
}

/** Answers by path; what is not listed gets the recorded 404. */
export function byPath(answers: Readonly<Record<string, string>>): Answer {
  return (socket, { path }) => void socket.write(recordedBytes(answers[path] ?? 'not-found'));
}

/** Writes the pieces between these positions, each in a turn of its own, so that the reader gets them apart. */
export async function writeCut(socket: Socket, bytes: Buffer, positions: readonly number[]): Promise<void> {
  const ends = [...positions, bytes.length];
  let from = 0;
  for (const end of ends) {
    socket.write(bytes.subarray(from, end));
    from = end;
    await turn();
    await turn();
  }
}

/** An event stream with these bytes as its one chunk, cleanly ended. */
export function eventStream(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([streamHead(), chunk(bytes), Buffer.from('0\r\n\r\n')]);
}

export function streamHead(): Buffer {
  return Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
}

export function chunk(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

function readRequests(socket: Socket, take: (request: ReceivedRequest) => void): void {
  let received = Buffer.alloc(0);
  socket.on('data', piece => {
    received = Buffer.concat([received, piece]);
    for (;;) {
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const [requestLine = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n');
      const headers = Object.fromEntries(
        lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      const end = headEnd + 4 + Number(headers['content-length'] ?? 0);
      if (received.length < end) return;
      const [method = '', path = ''] = requestLine.split(' ');
      const body = received.subarray(headEnd + 4, end).toString('utf8');
      received = received.subarray(end);
      take({ method, path, headers, body });
    }
  });
}
