import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HttpMessage } from '../support/http-message';
import { startService, type RunningService } from '../support/service';
import { SlowRequest } from '../support/slow-request';

const MIB = 1024 * 1024;
const WORKER_TOKEN = 'worker-token';

let service: RunningService;
const opened: SlowRequest[] = [];

beforeAll(async () => {
  // Room for four of the largest bodies, the least there can be.
  service = await startService({ env: { AUTH_TOKEN: WORKER_TOKEN, ORCHD_INTAKE_MAX_BYTES: String(MIB) } });
});
afterEach(() => opened.splice(0).forEach(request => request.destroy()));
afterAll(() => service.stop());

async function open(): Promise<SlowRequest> {
  const request = await SlowRequest.open(service.url);
  opened.push(request);
  return request;
}

/** One whose value is undefined is left out. */
type Headers = Readonly<Record<string, string | number | undefined>>;

function head(path: string, headers: Headers, method = 'POST'): string {
  const all = Object.entries({ Host: 'x', 'Content-Type': 'application/json', ...headers });
  const lines = all.filter(([, value]) => value !== undefined);
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

const withToken = (): Record<string, string> => ({ Authorization: `Bearer ${WORKER_TOKEN}` });
const withKey = (): Record<string, string> => ({ 'X-API-Key': service.apiKey });

/** As Python's clients send a body: all of it, and only then they look at what came back. */
async function sendAll(path: string, headers: Headers, bytes: number, isChunked: boolean): Promise<HttpMessage> {
  const framing = isChunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': bytes };
  const request = await open();
  await request.send(head(path, { ...headers, ...framing }));
  const piece = Buffer.alloc(MIB, ' ');
  const [before, after] = isChunked ? [`${MIB.toString(16)}\r\n`, '\r\n'] : ['', ''];
  for (let sent = 0; sent < bytes; sent += MIB)
    await request.send(Buffer.concat([Buffer.from(before), piece, Buffer.from(after)]));
  if (isChunked) await request.send('0\r\n\r\n');
  return request.answer();
}

describe('a refusal before the body was read', () => {
  it.each<[string, string, () => Headers, number, string | number]>([
    ['a stranger', '/v2/tasks', () => ({}), 401, 'UNAUTHENTICATED'],
    ['a stranger who closes after it', '/v2/tasks', () => ({ Connection: 'close' }), 401, 'UNAUTHENTICATED'],
    ['a wrong key', '/v2/tasks', () => ({ 'X-API-Key': 'nope' }), 403, 'FORBIDDEN'],
    ['a worker without its token', '/v2/workers/register', () => ({}), 401, 40101],
    ['a worker with a wrong one', '/v2/workers/register', () => ({ Authorization: 'Bearer nope' }), 401, 40102],
    ['no route', '/nowhere', withKey, 404, 'ROUTE_NOT_FOUND'],
    ['no such method', '/healthz', withKey, 405, 'METHOD_NOT_ALLOWED'],
    ['too large', '/v2/tasks', withKey, 413, 'BODY_TOO_LARGE'],
    ['too large of a worker', '/v2/workers/register', withToken, 413, 'BODY_TOO_LARGE'],
    ['of another type', '/v2/tasks', () => ({ ...withKey(), 'Content-Type': 'a/b' }), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['of no type', '/v2/tasks', () => ({ ...withKey(), 'Content-Type': undefined }), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['compressed', '/v2/tasks', () => ({ ...withKey(), 'Content-Encoding': 'br' }), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('reaches a client that sends all of it first (B-ERR-019): %s', async (_, path, headers, status, code) => {
    for (const isChunked of [false, true]) {
      const answer = await sendAll(path, headers(), 24 * MIB, isChunked);
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([status, { code }]);
    }
  });

  it('comes at once, not when the body has (B-MW-023)', async () => {
    for (const [path, headers, status] of [
      ['/v2/tasks', {}, 401],
      ['/v2/workers/register', {}, 401],
      ['/v2/tasks', { ...withKey(), 'Content-Encoding': 'br' }, 415],
    ] as const) {
      const request = await open();
      await request.send(head(path, { ...headers, 'Content-Length': 4 * MIB }));
      expect((await request.answer()).status).toBe(status);
    }
  });

  it('leaves a connection open whose body is small', async () => {
    const request = await open();
    await request.send(`${head('/v2/tasks', { 'Content-Length': 2 })}{}${head('/healthz', {}, 'GET')}`);
    const text = await request.textWith('"ok"');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200']);
  });

  it.each<[string, () => Headers, number, number]>([
    ['of a stranger', () => ({}), 100, 401],
    ['that is too large', withKey, 24 * MIB, 413],
  ])('gives no leave to send the body %s', async (_, headers, bytes, status) => {
    const request = await open();
    await request.send(head('/v2/tasks', { ...headers(), 'Content-Length': bytes, Expect: '100-continue' }));
    expect((await request.answer()).status).toBe(status);
  });
});

describe('the body of a request', () => {
  it('is asked for once nothing stands against it', async () => {
    const request = await open();
    const body = '{"ctx":-1}';
    await request.send(head('/v2/tasks', { ...withKey(), 'Content-Length': body.length, Expect: '100-continue' }));
    await request.textWith('HTTP/1.1 100 Continue\r\n\r\n');
    await request.send(body);
    expect(await request.textWith('ctx must be')).toContain('HTTP/1.1 400 ');
  });

  it('may come byte by byte, cut within its characters (B-ERR-020)', async () => {
    const document = '{"text":"ä€\u{1F600}"}';
    const request = await open();
    await request.send(head('/v2/artifacts', { ...withKey(), 'Transfer-Encoding': 'chunked' }));
    for (const byte of Buffer.from(document)) await request.send(Buffer.from([0x31, 13, 10, byte, 13, 10]));
    await request.send('0\r\n\r\n');
    const answer = await request.answer();
    expect(answer.status).toBe(201);
    const { id } = JSON.parse(answer.body) as { id: string };
    expect((await service.request('GET', `/v2/artifacts/${id}`)).text).toBe(document);
  });

  it('that is not UTF-8 is told so, whatever its framing (B-ERR-020)', async () => {
    const bytes = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')]);
    const framings: readonly (readonly [Headers, (request: SlowRequest) => Promise<void>])[] = [
      [{ 'Content-Length': bytes.length }, request => request.send(bytes)],
      [
        { 'Content-Length': bytes.length },
        async request => {
          for (const byte of bytes) await request.send(Buffer.from([byte]));
        },
      ],
      [
        { 'Transfer-Encoding': 'chunked' },
        async request => {
          for (const byte of bytes) await request.send(Buffer.from([0x31, 13, 10, byte, 13, 10]));
          await request.send('0\r\n\r\n');
        },
      ],
    ];
    for (const [headers, send] of framings) {
      const request = await open();
      await request.send(head('/v2/tasks', { ...withKey(), ...headers }));
      await send(request);
      const { status, body } = await request.answer();
      expect([status, JSON.parse(body)]).toMatchObject([
        400,
        { code: 'INVALID_PARAMS', field: 'body', message: 'the body is not valid UTF-8' },
      ]);
    }
  });

  it.each([
    ['gzip', 'in the encoding gzip'],
    ['x-brotli, identity, Deflate', 'in the encoding x-brotli, Deflate'],
    ['a b', 'in an encoding'],
  ])('that is compressed is refused with the name of its encoding (B-ERR-021): %s', async (encoding, named) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': encoding };
    const answer = await service.request('POST', '/v2/tasks', { headers, body: gzipSync('{"prompt":"x"}') });
    expect([answer.status, answer.json()]).toMatchObject([415, { code: 'UNSUPPORTED_MEDIA_TYPE' }]);
    expect(answer.text).toContain(named);
    expect(answer.headers['accept-encoding']).toBe('identity');
  });

  it('that is compressed on its way is refused likewise', async () => {
    const request = await open();
    await request.send(
      head('/v2/tasks', { ...withKey(), 'Transfer-Encoding': 'gzip, chunked' }) + '2\r\n{}\r\n0\r\n\r\n',
    );
    const { status, body } = await request.answer();
    expect([status, body]).toEqual([415, expect.stringContaining('in the encoding gzip is not taken')]);
  });

  it.each(['identity', 'Identity, identity', ''])('may say that it is not compressed: %j', async encoding => {
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': encoding };
    expect((await service.request('POST', '/v2/tasks', { headers, body: '{"ctx":-1}' })).text).toContain('ctx must be');
  });
});

describe('bodies that are under way', () => {
  it('hold no more than they may together, and leave room for small ones (B-MW-024)', async () => {
    const begun: SlowRequest[] = [];
    for (let n = 0; n < 8; n++) {
      const request = await open();
      await request.send(head('/v2/tasks', { ...withKey(), 'Content-Length': 4 * MIB }));
      await request.send(Buffer.alloc(3 * MIB, ' '));
      begun.push(request);
    }
    // 14 of 16 MiB are for large ones: four have room, the others are refused while they still send.
    const refused = await Promise.any(begun.map(request => request.answer()));
    expect([refused.status, JSON.parse(refused.body)]).toMatchObject([503, { code: 'INTAKE_FULL', retriable: true }]);
    expect(refused.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });

    const small = await service.request('POST', '/v2/tasks', { body: { ctx: -1 } });
    expect(small.text).toContain('ctx must be');

    for (const request of begun) request.destroy();
    const body = `{"ctx":-1${' '.repeat(4 * MIB - 20)}}`;
    const headers = { 'Content-Type': 'application/json' };
    const statuses = new Set<number>();
    while (!statuses.has(400)) statuses.add((await service.request('POST', '/v2/tasks', { headers, body })).status);
    expect([...statuses].filter(status => status !== 400 && status !== 503)).toEqual([]);
  });
});
