import type { Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { firstValueFrom, Subject, type Subscription } from 'rxjs';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { collect, engineRequest, llamacppAdapter, targetAt } from './adapter-under-test';
import { chunk, eventStream, replayServer, streamHead, type Answer, type ReplayServer } from './replay-server';

const ROUNDS = 100;
/** The last resort: a run that is not given up at the engine would keep its connection for ever. */

const { adapter, close } = llamacppAdapter();
let server: ReplayServer | undefined;

afterEach(() => server?.close());
afterAll(close);

const token = 'data: {"content":"a","stop":false}\n\n';
const end = 'data: {"content":"","stop":true}\n\n';

function closed(socket: Socket): Promise<unknown> {
  return new Promise(resolve => (socket.destroyed ? resolve(undefined) : socket.once('close', resolve)));
}

/** The longest time from giving a run up to its connection's end at the engine. */
async function slowestAbortMs(answer: Answer, when: 'asked' | 'token'): Promise<number> {
  const asked$ = new Subject<Socket>();
  server = await replayServer((socket, request) => {
    void answer(socket, request);
    asked$.next(socket);
  });
  const target = targetAt(server.url);
  let slowestMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const asked = firstValueFrom(asked$);
    const seen$ = new Subject<void>();
    const seen = firstValueFrom(seen$);
    const run = adapter.run(target, engineRequest()).subscribe({ next: () => seen$.next() });
    const socket = await asked;
    if (when === 'token') await seen;
    seen.catch(() => undefined);
    const abortedMs = performance.now();
    run.unsubscribe();
    await closed(socket);
    slowestMs = Math.max(slowestMs, performance.now() - abortedMs);
  }
  return slowestMs;
}

describe('giving a run up', () => {
  it('reaches the engine in prefill', async () => {
    expect(await slowestAbortMs(() => undefined, 'asked')).toBeLessThan(LAST_RESORT_MS);
  });

  it('reaches the engine between its head and its first token', async () => {
    expect(await slowestAbortMs(socket => void socket.write(streamHead()), 'asked')).toBeLessThan(LAST_RESORT_MS);
  });

  it('reaches the engine in the middle of a stream', async () => {
    const answer: Answer = socket => void socket.write(Buffer.concat([streamHead(), chunk(token)]));
    expect(await slowestAbortMs(answer, 'token')).toBeLessThan(LAST_RESORT_MS);
  });

  it('before there is a connection sends no request', async () => {
    server = await replayServer(socket => void socket.write(eventStream(token + end)));
    for (let round = 0; round < ROUNDS; round++) {
      adapter.run(targetAt(server.url), engineRequest()).subscribe().unsubscribe();
    }
    // Whatever reached the engine of those has come before this one's end.
    await collect(adapter.run(targetAt(server.url), engineRequest()));
    const { connections, requests } = server;
    const open = () => connections.filter(({ destroyed }) => !destroyed).length;
    await eventually(
      async () => open(),
      count => count === 1,
    );
    expect(requests).toHaveLength(1);
  });

  it('in the hand of a batch shows nothing of the next', async () => {
    server = await replayServer(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(token)]));
      setTimeout(() => socket.write(chunk(token + end)), 10);
    });
    let batches = 0;
    let ended = false;
    const asked: Subscription = adapter.run(targetAt(server.url), engineRequest()).subscribe({
      next: () => {
        batches++;
        asked.unsubscribe();
      },
      complete: () => (ended = true),
      error: () => (ended = true),
    });
    await new Promise<void>(resolve => asked.add(resolve));
    const [socket] = server.connections;
    if (socket) await closed(socket);
    expect({ batches, ended }).toEqual({ batches: 1, ended: false });
  });

  it.each([
    ['with it', (socket: Socket) => void socket.write(eventStream(token + end))],
    [
      'a little later',
      (socket: Socket) => {
        socket.write(Buffer.concat([streamHead(), chunk(token + end)]));
        setTimeout(() => socket.write('0\r\n\r\n'), 5);
      },
    ],
  ])('at its last event leaves the connection for the next run, the response ending %s', async (_, answer) => {
    server = await replayServer(answer);
    for (let round = 0; round < 10; round++) {
      const run: Subscription = adapter.run(targetAt(server.url), engineRequest()).subscribe({
        next: batch => {
          if (batch.at(-1)?.kind === 'end') run.unsubscribe();
        },
      });
      await new Promise<void>(resolve => run.add(resolve));
      // Longer than the response takes to end, much shorter than an idle connection is kept.
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    // Hanging up would take one each; on a busy machine an end may come after the next run has begun.
    expect(server.connections.length).toBeLessThan(5);
    expect(server.requests).toHaveLength(10);
  });
});
