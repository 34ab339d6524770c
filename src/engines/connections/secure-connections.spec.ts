import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authorityFile, tlsFront } from '../../../test/support/tls/tls-front';
import { ConnectionsUnderTest, hi, plain, rest } from '../../../test/wire/connections-under-test';
import { always, type Answer, type ReplayServer } from '../../../test/wire/replay-server';
import type { Authority } from '../engine-keys';

const [cert, key] = ['server.pem', 'server.key.pem'].map(name => readFileSync(join(dirname(authorityFile), name)));
const authority: Authority = { id: 'a', pem: readFileSync(authorityFile, 'utf8') };
let under: ConnectionsUnderTest;

beforeEach(() => {
  under = new ConnectionsUnderTest();
});
afterEach(() => under.close());

describe('an engine behind TLS', () => {
  async function serveSecurely(answer: Answer): Promise<ReplayServer & { secure: string }> {
    const server = await under.serve(answer);
    const front = await tlsFront(server.url);
    under.closes(() => front.stop());
    return { ...server, secure: front.url };
  }

  it('is served where its authority is told, and refused otherwise', async () => {
    const { secure, requests } = await serveSecurely(always(hi));
    expect(await under.ask(secure).over).toMatchObject({ status: 0, end: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } });
    expect(requests).toEqual([]);
    expect(await under.ask(secure, plain, authority).over).toMatchObject({ body: 'hi', end: 'whole' });
    await rest();
    // Another's trust is not ours: no connection is shared.
    expect(await under.ask(secure).over).toMatchObject({ end: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } });
  });

  it('is refused where it is another', async () => {
    const { secure } = await serveSecurely(always(hi));
    const { end } = await under.ask(secure.replace('127.0.0.1', 'engine.test'), plain, authority).over;
    expect(end).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('serves one request after the other on a connection, and resumes its session on the next', async () => {
    const isResumed: boolean[] = [];
    const answer = (socket: Socket): void => {
      isResumed.push((socket as TLSSocket).isSessionReused());
      socket.on('data', () => socket.write(hi));
    };
    const { port } = await under.serveRaw(answer, '127.0.0.1', take => createServer({ cert, key }, take));
    for (const atOnce of [1, 1, 2, 2]) {
      const asked = Array.from({ length: atOnce }, () => under.ask(`https://127.0.0.1:${port}`, plain, authority));
      for (const { over } of asked) expect(await over).toMatchObject({ body: 'hi', end: 'whole' });
      await rest();
    }
    expect(isResumed).toEqual([false, true]);
  });

  it('streams in many chunks, cut anywhere', async () => {
    const chunks = 5_000;
    const text = Array.from({ length: chunks }, (_, n) => `data: ${n}\n\n`);
    const framed = text.map(each => `${each.length.toString(16)}\r\n${each}\r\n`).join('');
    const server = await serveSecurely(async socket => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      for (let at = 0; at < framed.length; at += 1_237) {
        socket.write(framed.slice(at, at + 1_237));
        await turn();
      }
      socket.write('0\r\n\r\n');
    });
    const asked = [1, 2, 3].map(() => under.ask(server.secure, plain, authority));
    for (const { over } of asked) expect(await over).toMatchObject({ body: text.join(''), end: 'whole' });
  });

  it('is told from one that speaks no TLS', async () => {
    const { port } = await under.serveRaw(socket => void socket.write(hi));
    expect(await under.ask(`https://127.0.0.1:${port}`).over).toMatchObject({
      status: 0,
      end: { code: expect.stringMatching(/^ERR_SSL_/) as unknown },
    });
  });
});
