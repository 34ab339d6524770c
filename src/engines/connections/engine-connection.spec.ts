import type { LookupFunction, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../test/support/deadline';
import { chunkedHead, closed, ConnectionsUnderTest, hi, plain, rest } from '../../../test/wire/connections-under-test';
import { always } from '../../../test/wire/replay-server';
import { ConnectionClosedError, ConnectTimeoutError, type OutgoingRequest } from './engine-connection';
import { NotHttpError } from './response-head';

const nowhere: LookupFunction = () => undefined;
let under: ConnectionsUnderTest;

beforeEach(() => {
  under = new ConnectionsUnderTest();
});
afterEach(() => {
  vi.useRealTimers();
  return under.close();
});

describe('a request', () => {
  it('is sent as it is, in one piece', async () => {
    const seen: string[] = [];
    const { port } = await under.serveRaw(socket =>
      socket.on('data', bytes => (seen.push(bytes.toString()), socket.write(hi))),
    );
    const headers = { 'content-type': 'application/json', authorization: 'Bearer a\tb' };
    await under.ask(`http://127.0.0.1:${port}`, { method: 'POST', path: '/a?b', headers, body: '"涅😀\ud83d"' }).over;
    await rest();
    await under.ask(`http://localhost:${port}`).over;
    await under.ask(`http://localhost:${port}`, { method: 'POST', path: '/', headers: {} }).over;
    const host = (name: string) => `HTTP/1.1\r\nhost: ${name}:${port}\r\nconnection: keep-alive\r\n`;
    expect(seen).toEqual([
      `POST /a?b ${host('127.0.0.1')}content-type: application/json\r\nauthorization: Bearer a\tb\r\ncontent-length: 12\r\n\r\n"涅😀\ufffd"`,
      `GET / ${host('localhost')}\r\n`,
      `POST / ${host('localhost')}content-length: 0\r\n\r\n`,
    ]);
  });

  it.each<[string, Partial<OutgoingRequest>]>([
    ['a line end in its path', { path: '/a\r\nx: y' }],
    ['a space in its path', { path: '/a b' }],
    ['another letter in its path', { path: '/\u0100' }],
    ['no path', { path: '' }],
    ['a whole URL as path', { path: 'http://elsewhere/' }],
    ['a line end in a value', { headers: { x: 'a\r\ny: b' } }],
    ['a lone LF in a value', { headers: { x: 'a\nb' } }],
    ['a NUL in a value', { headers: { x: 'a\0b' } }],
    ['another letter in a value', { headers: { x: '\u010a' } }],
    ['a line end in a name', { headers: { 'x: y\r\nz': 'a' } }],
    ['a space in a name', { headers: { 'x y': 'a' } }],
    ['an empty name', { headers: { '': 'a' } }],
  ])('with %s is refused before anything is sent, and costs no connection', async (_, wrong) => {
    const server = await under.serve(always(hi));
    expect(() => under.ask('http://127.0.0.1:9', { ...plain, ...wrong })).toThrow(/in its head/);
    expect(under.connections.size).toBe(0);
    await under.ask(server.url).over;
    await rest();
    expect(() => under.ask(server.url, { ...plain, ...wrong })).toThrow(/in its head/);
    expect(await under.ask(server.url).over).toMatchObject({ body: 'hi', end: 'whole' });
    expect([server.connections.length, server.requests.length]).toEqual([1, 2]);
  });

  it('goes to an IPv6 address', async () => {
    const echo = (socket: Socket): void =>
      void socket.once('data', bytes => socket.end(`HTTP/1.1 200 OK\r\n\r\n${bytes.toString()}`));
    const { port } = await under.serveRaw(echo, '::1');
    under.lookup = nowhere;
    const { body } = await under.ask(`http://[::1]:${port}`).over;
    expect(body).toContain(`\r\nhost: [::1]:${port}\r\n`);
  });

  it('goes to the address that can be connected to', async () => {
    const server = await under.serve(always(hi));
    under.lookup = (_name, options, callback) => {
      expect(options.all).toBe(true);
      callback(null, [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]);
    };
    expect(await under.ask(server.url.replace('127.0.0.1', 'engine.test')).over).toMatchObject({
      body: 'hi',
      end: 'whole',
    });
  });

  it.each(['EACCES', 'ENOTFOUND'])('ends with %s where its name has no address', async code => {
    under.lookup = (_name, _options, callback) => callback(Object.assign(new Error('no'), { code }), []);
    expect(await under.ask('http://engine.test').over).toMatchObject({ end: { code } });
    expect(under.connections.size).toBe(0);
  });

  it('ends with ECONNREFUSED where nobody listens', async () => {
    const { port, close } = await under.serveRaw(() => undefined);
    await close();
    expect(await under.ask(`http://127.0.0.1:${port}`).over).toMatchObject({ end: { code: 'ECONNREFUSED' } });
    expect(under.connections.size).toBe(0);
  });

  it.each(['http', 'https'])('ends where no connection is made in time (%s)', async scheme => {
    const { port, sockets } = await under.serveRaw(() => undefined);
    if (scheme === 'http') under.lookup = nowhere;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { told } = under.ask(`${scheme}://engine.test:${port}`);
    await turn();
    while (scheme === 'https' && sockets.length === 0) await turn();
    vi.advanceTimersByTime(4_999);
    await rest();
    expect(told.end).toBeUndefined();
    vi.advanceTimersByTime(1);
    await rest();
    expect(told.end).toBeInstanceOf(ConnectTimeoutError);
    expect(under.connections.size).toBe(0);
  });

  it('may be waited on for as long as it takes once there is a connection', async () => {
    const { port, sockets } = await under.serveRaw(() => undefined);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { told } = under.ask(`http://127.0.0.1:${port}`);
    while (sockets.length === 0) await turn();
    await rest();
    vi.advanceTimersByTime(3_600_000);
    under.alarms.pass(3_600_000);
    await rest();
    expect(told.end).toBeUndefined();
    sockets[0]?.write(hi);
    while (told.end === undefined) await turn();
    expect(told).toMatchObject({ body: 'hi', end: 'whole' });
  });
});

describe('an answer that breaks off', () => {
  it.each([
    ['before it has begun', '', { status: 0, body: '' }],
    ['in its status line', 'HTTP/1.', { status: 0, body: '' }],
    ['in its head', hi.slice(0, 20), { status: 0, body: '' }],
    ['in the end of its head', hi.slice(0, -3), { status: 0, body: '' }],
    ['after an interim one', 'HTTP/1.1 100 Continue\r\n\r\n', { status: 0, body: '' }],
    ['in its length', hi.slice(0, -1), { status: 200, body: 'h' }],
    ['in a size', `${chunkedHead}2`, { status: 200, body: '' }],
    ['in a chunk', `${chunkedHead}3\r\nhi`, { status: 200, body: 'hi' }],
    ['behind a chunk', `${chunkedHead}2\r\nhi\r`, { status: 200, body: 'hi' }],
    ['before its last chunk', `${chunkedHead}2\r\nhi\r\n`, { status: 200, body: 'hi' }],
    ['in its trailers', `${chunkedHead}2\r\nhi\r\n0\r\nX: y\r\n`, { status: 200, body: 'hi' }],
  ])('%s ends with the connection, behind what there was', async (_, sent, told) => {
    const server = await under.serve(socket => void socket.end(sent));
    expect(await under.ask(server.url).over).toMatchObject({
      ...told,
      end: expect.any(ConnectionClosedError) as unknown,
    });
  });

  it('is not whole where only its connection could have told its end', async () => {
    const server = await under.serve(always('HTTP/1.1 200 OK\r\n\r\nhi'));
    const { told, over } = under.ask(server.url);
    await eventually(
      async () => told.body,
      body => body === 'hi',
    );
    server.connections[0]?.resetAndDestroy();
    expect(await over).toMatchObject({ body: 'hi', end: { code: 'ECONNRESET' } });
  });

  it.each([
    ['a head', 'SSH-2.0-OpenSSH\r\n', 0, ''],
    ['a chunk', `${chunkedHead}2\r\nhi\r\n!`, 200, 'hi'],
  ])('where %s is no HTTP ends with that, and its connection too', async (_, sent, status, body) => {
    const server = await under.serve(always(sent));
    expect(await under.ask(server.url).over).toMatchObject({ status, body, end: expect.any(NotHttpError) as unknown });
    await closed(server.connections[0]);
  });
});

describe('giving up', () => {
  it('before there is a connection sends nothing', async () => {
    let resolve = (): void => undefined;
    const { lookup } = under;
    under.lookup = (...asked) => (resolve = () => lookup(...asked));
    const server = await under.serve(always(hi));
    const named = server.url.replace('127.0.0.1', 'engine.test');
    const { told, abort } = under.ask(named);
    abort();
    resolve();
    await under.ask(server.url).over;
    await rest();
    expect([told.end, under.connections.size, server.connections.length]).toEqual([undefined, 1, 1]);
  });

  it('in the middle closes the connection, and nothing more is told', async () => {
    const server = await under.serve(socket => void socket.write(hi.slice(0, -1)));
    const { told, abort } = under.ask(server.url);
    await eventually(
      async () => told.body,
      body => body === 'h',
    );
    server.connections[0]?.write('i');
    abort();
    await closed(server.connections[0]);
    await rest();
    expect([told.body, told.end, under.connections.size]).toEqual(['h', undefined, 0]);
    abort();
  });

  it.each(['onHead', 'onBody'] as const)('at %s tells nothing more of what was read with it', async at => {
    const server = await under.serve(always(`${chunkedHead}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`));
    const calls: string[] = [];
    const take = (name: string) => (): void => {
      calls.push(name);
      if (name === at) exchange.abort();
    };
    const told = { onHead: take('onHead'), onBody: take('onBody'), onEnd: take('onEnd'), onFault: take('onFault') };
    const exchange = under.connections.send(new URL(server.url), plain, told);
    await eventually(
      async () => [server.connections.length, under.connections.size],
      ([made, engines]) => made === 1 && engines === 0,
    );
    expect(calls).toEqual(at === 'onHead' ? ['onHead'] : ['onHead', 'onBody']);
  });

  it('after the end does nothing, to the next request neither', async () => {
    const server = await under.serve(always(hi));
    const first = under.ask(server.url);
    await first.over;
    await rest();
    const second = under.ask(server.url);
    first.abort();
    expect(await second.over).toMatchObject({ body: 'hi', end: 'whole' });
    expect(server.connections).toHaveLength(1);
  });

  it('all that runs, ends it', async () => {
    const server = await under.serve((socket, { path }) => void socket.write(path === '/' ? hi : hi.slice(0, -1)));
    await under.ask(server.url).over;
    const asked = [under.ask(server.url, { ...plain, path: '/a' }), under.ask(server.url, { ...plain, path: '/b' })];
    await rest();
    await eventually(
      async () => server.requests.length,
      count => count === 3,
    );
    under.connections.destroy();
    for (const { over } of asked) expect(await over).toMatchObject({ end: expect.any(Error) as unknown });
    await Promise.all(server.connections.map(closed));
    await rest();
    expect([under.connections.size, under.alarms.count]).toEqual([0, 0]);
  });
});

describe('who is told', () => {
  it.each(['onHead', 'onBody', 'onEnd'] as const)('is told what it throws at %s, and others go on', async at => {
    const server = await under.serve(always(hi));
    const calls: unknown[] = [];
    const thrown = new RangeError('no');
    const take = (name: string) => (): void => {
      calls.push(name);
      if (name === at) throw thrown;
    };
    await new Promise<void>(resolve => {
      const onFault = (cause: unknown): void => (calls.push(cause), resolve());
      under.connections.send(new URL(server.url), plain, {
        onHead: take('onHead'),
        onBody: take('onBody'),
        onEnd: take('onEnd'),
        onFault,
      });
    });
    const until = ['onHead', 'onBody', 'onEnd'];
    expect(calls).toEqual([...until.slice(0, until.indexOf(at) + 1), thrown]);
    expect(await under.ask(server.url).over).toMatchObject({ body: 'hi', end: 'whole' });
  });
});
