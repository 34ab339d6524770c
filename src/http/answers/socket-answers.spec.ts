import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { slowBodies } from '../bodies/slow-bodies';
import { answerUnreadable } from './socket-answers';

const timeout = Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
const connection = () => Object.assign(new PassThrough(), { bytesRead: 0 }) as unknown as Socket;

it('answers a request that took too long, but for a body that may', () => {
  const [usual, slow] = [connection(), connection()];
  slowBodies.add(slow);
  for (const socket of [usual, slow]) answerUnreadable(timeout, socket);
  expect(String(usual.read())).toContain('408');
  expect([slow.read(), slow.writableEnded, slow.destroyed]).toEqual([null, false, false]);
  usual.destroy();
});
