import { lookup } from 'node:dns';
import { get } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAST_RESORT_MS, withDeadline } from '../../../test/support/deadline';
import { anyAnswer, anyCuts, cutAt } from '../../../test/wire/any-answer';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { TurnEnd } from '../../time/turn-end';
import { EngineConnections } from './engine-connections';

describe('beside the client of Node', () => {
  /** What is written on the next connections, piece by piece; then they end. */
  let pieces: readonly Uint8Array[] = [];
  let server: Server;
  let url: URL;
  const clock = new Clock();
  const alarms = new Alarms(clock);
  const connections = new EngineConnections({ lookup }, clock, alarms, new TurnEnd());

  async function write(socket: Socket): Promise<void> {
    for (const piece of pieces) {
      if (piece.length > 0) socket.write(piece);
      await turn();
    }
    socket.end();
  }

  beforeAll(async () => {
    server = createServer({ noDelay: true }, socket => {
      socket.on('error', () => undefined).once('data', () => void write(socket));
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterAll(() => {
    connections.destroy();
    alarms.onModuleDestroy();
    server.close();
  });

  interface Seen {
    status: number;
    body: string;
    end: 'whole' | 'cut';
  }

  function ours(): Promise<Seen> {
    return new Promise(resolve => {
      let status = 0;
      let body = '';
      connections.send(
        url,
        { method: 'GET', path: '/', headers: {} },
        {
          onHead: head => void ({ status } = head),
          onBody: (bytes, from, to) => void (body += bytes.toString('latin1', from, to)),
          onEnd: () => resolve({ status, body, end: 'whole' }),
          onFault: () => resolve({ status, body, end: 'cut' }),
        },
      );
    });
  }

  function nodes(): Promise<Seen> {
    return new Promise(resolve => {
      const request = get(url, { agent: false }, answer => {
        const seen: Seen = { status: answer.statusCode ?? 0, body: '', end: 'cut' };
        answer.setEncoding('latin1').on('data', (text: string) => (seen.body += text));
        answer.on('error', () => undefined).on('end', () => (seen.end = 'whole'));
        answer.on('close', () => resolve(seen));
      });
      request.on('error', () => resolve({ status: 0, body: '', end: 'cut' }));
    });
  }

  it('what an engine sends is the same, whole or cut off, in whatever pieces', async () => {
    const length = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(anyAnswer, anyCuts, length, async (bytes, cuts, share) => {
        pieces = cutAt(bytes.subarray(0, Math.ceil(bytes.length * share)), cuts);
        const [one, other] = await withDeadline(
          Promise.all([ours(), nodes()]),
          LAST_RESORT_MS,
          () => `no end of ${JSON.stringify(Buffer.concat(pieces).toString('latin1'))}`,
        );
        expect(one).toEqual(other);
      }),
      { numRuns: 400 },
    );
  });
});
