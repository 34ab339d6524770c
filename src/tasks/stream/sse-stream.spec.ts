import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Subscription } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { LAST_RESORT_MS, withDeadline } from '../../../test/support/deadline';
import type { EventFeed } from './event-feed';
import { SseStream } from './sse-stream';
import type { StreamTurns } from './stream-turns';

const nothingYet: EventFeed = { read: () => undefined, follow: () => new Subscription() };
const turns = { schedule: () => undefined, nowMs: () => 0 } as unknown as StreamTurns;

it('sends its head at once, though it has nothing to say yet', async () => {
  const silent = { opening: Buffer.alloc(0), keepAlive: Buffer.from(': here\n\n') };
  const server = createServer((_, response) => {
    new SseStream(response, nothingYet, 0, turns, () => undefined, silent).start({ 'X-Told': 'yes' });
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const told = new Promise<unknown>((resolve, reject) => {
    get({ port, host: '127.0.0.1' }, answer => resolve(answer.headers['x-told'])).on('error', reject);
  });
  expect(await withDeadline(told, LAST_RESORT_MS, () => 'no head')).toBe('yes');
});
