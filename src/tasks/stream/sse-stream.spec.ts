import { createServer, get, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Subscription } from 'rxjs';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { LAST_RESORT_MS, withDeadline } from '../../../test/support/deadline';
import { TurnByHand } from '../../../test/support/turn-by-hand';
import { loadConfig } from '../../config/config';
import { Clock } from '../../time/clock';
import type { EventFeed } from './event-feed';
import { SseStream, type StreamManners } from './sse-stream';
import { StreamTurns } from './stream-turns';

const nothingYet: EventFeed = { read: () => undefined, follow: () => new Subscription() };
const wholeLife: EventFeed = {
  read: () => ({ frames: Buffer.from('event: end\n\n'), lastSeq: 1, terminal: true }),
  follow: () => new Subscription(),
};
const silent = { opening: Buffer.alloc(0), keepAlive: Buffer.from(': here\n\n') };
const farewell = { ...silent, farewell: Buffer.from('event: error\n\n') };

let turn: TurnByHand;
let turns: StreamTurns;
/** How often the service wrote to the reader. */
let writes: () => number;

beforeEach(() => {
  turn = new TurnByHand();
  turns = new StreamTurns(loadConfig({}).config, new Clock(), turn);
});

/** A reader, once its stream is started; the turn has not ended. */
async function reader(
  feed: EventFeed,
  says: StreamManners,
): Promise<{ stream: SseStream; response: ServerResponse; request: ClientRequest; told: Promise<IncomingMessage> }> {
  let request: ClientRequest | undefined;
  let told: Promise<IncomingMessage> | undefined;
  const [stream, response] = await new Promise<[SseStream, ServerResponse]>(resolve => {
    const server = createServer((_, response) => {
      writes = countWrites(response.socket as Socket);
      const stream = new SseStream(response, feed, 0, turns, () => undefined, says);
      stream.start({ 'X-Told': 'yes' });
      resolve([stream, response]);
    });
    Object.assign(server, { httpAllowHalfOpen: true });
    onTestFinished(() => server.closeAllConnections());
    onTestFinished(() => void server.close());
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      request = get({ port, host: '127.0.0.1' });
      told = new Promise((answer, fail) => void request?.on('response', answer).on('error', fail));
      told.catch(() => undefined);
    });
  });
  const inTime = withDeadline(told as Promise<IncomingMessage>, LAST_RESORT_MS, () => 'no head');
  return { stream, response, request: request as ClientRequest, told: inTime };
}

function countWrites(socket: Socket): () => number {
  const one = vi.spyOn(socket, '_write');
  const several = vi.spyOn(socket, '_writev' as '_write');
  return () => one.mock.calls.length + several.mock.calls.length;
}

describe('SseStream', () => {
  it('sends its head at the end of the turn, though it has nothing to say yet', async () => {
    const { told } = await reader(nothingYet, silent);
    expect(writes()).toBe(0);
    turn.end();
    expect((await told).headers['x-told']).toBe('yes');
  });

  it('sends all that there is in one write', async () => {
    const { told } = await reader(wholeLife, silent);
    turn.end();
    expect(await text(await told)).toBe('event: end\n\n');
    expect(writes()).toBe(1);
  });

  it('sends its head before anything that is passed on', async () => {
    const { stream, told } = await reader(nothingYet, silent);
    stream.pass(Buffer.from('event: waiting\n\n'));
    turn.end();
    stream.end();
    expect(await text(await told)).toBe('event: waiting\n\n');
  });

  it('sends its head, and then its farewell, where the service ends it within the turn', async () => {
    const { stream, told } = await reader(nothingYet, farewell);
    stream.end();
    turn.end();
    expect((await told).headers['x-told']).toBe('yes');
    expect(await text(await told)).toBe('event: error\n\n');
  });

  it('neither reads nor follows for a reader that left within the turn', async () => {
    const feed = { read: vi.fn(wholeLife.read), follow: vi.fn(wholeLife.follow) };
    const { response, told } = await reader(feed, silent);
    const closed = new Promise(resolve => response.once('close', resolve));
    response.socket?.resetAndDestroy();
    await withDeadline(closed, LAST_RESORT_MS, () => 'not closed');
    turn.end();
    expect(feed.read).not.toHaveBeenCalled();
    expect(feed.follow).not.toHaveBeenCalled();
    expect(writes()).toBe(0);
    await expect(told).rejects.toThrow();
  });

  it('is over at once for a reader that left before it was started', async () => {
    const feed = { read: vi.fn(wholeLife.read), follow: vi.fn(wholeLife.follow) };
    const { response, told } = await reader(feed, silent);
    const closed = new Promise(resolve => response.once('close', resolve));
    response.socket?.resetAndDestroy();
    await withDeadline(closed, LAST_RESORT_MS, () => 'not closed');
    const onClose = vi.fn();
    const begin = vi.spyOn(turns, 'begin');
    new SseStream(response, feed, 0, turns, onClose).start({});
    expect(onClose).toHaveBeenCalledTimes(1);
    expect(begin).not.toHaveBeenCalled();
    await expect(told).rejects.toThrow();
  });

  it('breaks off where its head cannot be sent', async () => {
    const { response, told } = await reader(wholeLife, silent);
    response.writeHead(500);
    turn.end();
    expect(response.destroyed).toBe(true);
    await expect(told).rejects.toThrow();
  });

  it('sounds once for a reader that closed its side within the turn', async () => {
    const { stream, response, request, told } = await reader(nothingYet, silent);
    const closed = new Promise(resolve => response.req.socket.once('end', resolve));
    request.socket?.end();
    await withDeadline(closed, LAST_RESORT_MS, () => 'not closed');
    expect(stream.isHalfClosed).toBe(true);
    turn.end();
    stream.end();
    expect(await text(await told)).toBe(': here\n\n');
  });
});
