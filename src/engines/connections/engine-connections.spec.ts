import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../test/support/deadline';
import { chunkedHead, closed, ConnectionsUnderTest, hi, plain, rest } from '../../../test/wire/connections-under-test';
import { always } from '../../../test/wire/replay-server';

let under: ConnectionsUnderTest;

beforeEach(() => {
  under = new ConnectionsUnderTest();
});
afterEach(() => under.close());

describe('a connection', () => {
  it('serves one request at a time', async () => {
    const waiting: Socket[] = [];
    const server = await under.serve(socket => void waiting.push(socket));
    const asked = [under.ask(server.url), under.ask(server.url), under.ask(server.url)];
    await eventually(
      async () => waiting.length,
      count => count === 3,
    );
    expect(new Set(waiting).size).toBe(3);
    for (const socket of waiting) socket.write(hi);
    for (const { over } of asked) expect(await over).toMatchObject({ body: 'hi', end: 'whole' });
  });

  it.each([
    ['a length', hi],
    ['chunks', `${chunkedHead}2;x\r\nhi\r\n0\r\nX: y\r\n\r\n`],
    ['no body', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['nothing new', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n'],
    ['interim answers before it', `HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n${hi}`],
    ['HTTP/1.0 that keeps it', hi.replace('1.1 200 OK', '1.0 200 OK\r\nConnection: keep-alive')],
    ['a reason why not', hi.replace('200 OK', '500 No')],
  ])('serves the next after an answer with %s', async (_, answer) => {
    const server = await under.serve(always(answer));
    for (let round = 0; round < 3; round++) {
      expect(await under.ask(server.url).over).toMatchObject({ end: 'whole' });
      await rest();
    }
    expect(server.connections).toHaveLength(1);
  });

  it.each([
    ['that closes it', hi.replace('OK', 'OK\r\nConnection: close')],
    ['that closes it, in other letters', hi.replace('OK', 'OK\r\nConnection: Keep-Alive, Close')],
    ['of HTTP/1.0', hi.replace('1.1', '1.0')],
    ['with more behind it', `${hi}!`],
    ['with another behind it', hi + hi],
    ['with a body where there is none', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi'],
    [
      'of two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    ],
    ['that says it will not be kept', hi.replace('OK', 'OK\r\nKeep-Alive: timeout=0')],
    ['that says it will hardly be kept', hi.replace('OK', 'OK\r\nKeep-Alive: timeout=1')],
  ])('serves no other after an answer %s', async (_, answer) => {
    const server = await under.serve(always(answer));
    expect(await under.ask(server.url).over).toMatchObject({ end: 'whole' });
    await closed(server.connections[0]);
    expect(await under.ask(server.url).over).toMatchObject({ end: 'whole' });
    expect(server.connections).toHaveLength(2);
  });

  it('serves no other after an answer that ends with it', async () => {
    const server = await under.serve(socket => void socket.end('HTTP/1.1 200 OK\r\n\r\nhi'));
    for (let round = 1; round <= 3; round++) {
      expect(await under.ask(server.url).over).toMatchObject({ body: 'hi', end: 'whole' });
      expect(server.connections).toHaveLength(round);
    }
  });

  it('serves no other after an answer that came before all of its request was sent', async () => {
    const early = await under.serveRaw(socket => void socket.once('data', () => (socket.pause(), socket.write(hi))));
    const url = `http://127.0.0.1:${early.port}`;
    const body = 'x'.repeat(20_000_000);
    expect(await under.ask(url, { ...plain, method: 'POST', body }).over).toMatchObject({ body: 'hi', end: 'whole' });
    await rest();
    const { told } = under.ask(url);
    await eventually(
      async () => told.end,
      end => end === 'whole',
    );
    expect(early.sockets).toHaveLength(2);
  });

  it.each([0, 1, 2, 3])(
    'serves no other where the engine closes right behind its answer, %i turns later',
    async turns => {
      const server = await under.serve(socket => void socket.end(hi));
      for (let round = 0; round < 30; round++) {
        expect(await under.ask(server.url).over, `round ${round}`).toMatchObject({ body: 'hi', end: 'whole' });
        for (let passed = 0; passed < turns; passed++) await turn();
      }
      await eventually(
        async () => under.connections.size,
        size => size === 0,
      );
      await rest();
      expect(under.alarms.count).toBe(0);
    },
  );

  it('serves no other once the engine has said something unasked', async () => {
    const server = await under.serve(always(hi));
    await under.ask(server.url).over;
    await rest();
    server.connections[0]?.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n');
    await closed(server.connections[0]);
    expect(await under.ask(server.url).over).toMatchObject({ status: 200, end: 'whole' });
    expect(server.connections).toHaveLength(2);
  });

  it.each(['end', 'resetAndDestroy'] as const)('serves no other once the engine has closed it (%s)', async close => {
    const server = await under.serve(always(hi));
    await under.ask(server.url).over;
    await rest();
    server.connections[0]?.[close]();
    await eventually(
      async () => under.connections.size,
      size => size === 0,
    );
    expect(await under.ask(server.url).over).toMatchObject({ status: 200, end: 'whole' });
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'serves no request that is sent in the turn in which its engine closes it (%s)',
    async close => {
      const server = await under.serve(always(hi));
      await under.ask(server.url).over;
      await rest();
      let endTurn: (() => void) | undefined;
      vi.spyOn(under.turnEnd, 'do').mockImplementationOnce(job => (endTurn = job));
      const { over } = under.ask(server.url);
      server.connections[0]?.[close]();
      await eventually(
        async () => under.connections.size,
        size => size === 0,
      );
      endTurn?.();
      expect(await over).toMatchObject({ status: 200, end: 'whole' });
      expect(server.connections).toHaveLength(2);
    },
  );

  it('is not opened for a request that has not left when the service stops', async () => {
    const server = await under.serve(always(hi));
    const { over } = under.ask(server.url);
    under.connections.destroy();
    expect(await over).toMatchObject({ end: { message: 'the service stops' } });
    await rest();
    expect(server.connections).toHaveLength(0);
  });

  it.each([
    ['no word', '', 4_000],
    ['Keep-Alive: timeout=2', '\r\nKeep-Alive: timeout=2', 1_000],
    ['Keep-Alive: timeout=75', '\r\nKeep-Alive: timeout=75, max=100', 74_000],
    ['Keep-Alive: timeout=999999', '\r\nKeep-Alive: timeout=999999', 600_000],
  ])('serves another for as long as it may be idle, with %s', async (_, says, idleMs) => {
    const server = await under.serve(always(hi.replace('OK', `OK${says}`)));
    const url = server.url;
    for (const [waitMs, made] of [
      [0, 1],
      [idleMs - 1, 1],
      [idleMs, 2],
    ] as const) {
      // What is looked at is when it is used: no alarm has rung.
      under.clock.pass(waitMs);
      await under.ask(url).over;
      await rest();
      expect(server.connections, `after ${waitMs} ms`).toHaveLength(made);
    }
  });

  it('ends once it was idle for so long', async () => {
    const server = await under.serve(always(hi));
    await Promise.all([under.ask(server.url).over, under.ask(server.url).over]);
    await rest();
    under.alarms.pass(3_000);
    await under.ask(server.url).over;
    await rest();
    expect(server.connections).toHaveLength(2);
    under.alarms.pass(1_000);
    const open = () => server.connections.filter(({ destroyed }) => !destroyed).length;
    await eventually(
      async () => open(),
      count => count === 1,
    );
    expect(under.connections.size).toBe(1);
    under.alarms.pass(4_000);
    await eventually(
      async () => [open(), under.connections.size],
      counts => counts.every(count => count === 0),
    );
    expect(under.alarms.count).toBe(0);
  });
});
