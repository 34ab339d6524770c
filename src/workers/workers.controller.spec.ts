import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../../test/engine/engine';
import { createInProcess, type InProcessService } from '../../test/support/in-process';

const token = { authorization: 'Bearer worker-token' };
const key = { 'x-api-key': 'test-key' };

let service: InProcessService;
let engine: RunningEngine;

beforeAll(async () => {
  engine = await startEngine({ slots: 2 });
  service = await createInProcess({ AUTH_TOKEN: 'worker-token' });
  await service.app.init();
  await service.app.getHttpAdapter().getInstance().ready();
});
afterAll(async () => {
  await service.close();
  await engine.stop();
});

async function send(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  headers: Record<string, string>,
  payload?: string | object,
) {
  const type = typeof payload === 'string' ? { 'content-type': 'application/json' } : {};
  const answer = await service.app.inject({
    method,
    url: `/v2/workers${path}`,
    headers: { ...type, ...headers },
    ...(payload !== undefined && { payload }),
  });
  return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json<Record<string, unknown>>() };
}
const register = (payload?: string | object) => send('POST', '/register', token, payload);

describe('POST /v2/workers/register', () => {
  it('names the bearer however many spaces stand before the token (B-CP-054, B-CP-058)', async () => {
    const spaced = { authorization: token.authorization.replace(' ', '  ') };
    const identities = [token, spaced].map(
      async headers => (await send('POST', '/register', headers)).body['identity'],
    );
    expect(await identities[0]).toMatch(/^token:[0-9a-f]{6}$/);
    expect(await identities[1]).toBe(await identities[0]);
  });

  it.each([undefined, '', '{}', 'null', '{"pool_id":null,"url":null}'])(
    'takes the body %j, with the defaults (B-CP-055, B-CP-056, B-CP-058)',
    async payload => {
      const { status, body } = await register(payload);
      expect(status, JSON.stringify(body)).toBe(200);
      expect(body).toMatchObject({ ok: true, pool_id: 'default', replica_id: 'r0' });
      expect(body['identity']).toMatch(/^token:[0-9a-f]{6}$/);
    },
  );

  it('asks for its own token and no API key (B-CP-050, B-CP-051)', async () => {
    expect(await send('POST', '/register', key)).toMatchObject({
      status: 401,
      body: { code: 40101, message: 'MISSING_TOKEN' },
    });
    expect(await send('POST', '/register', { ...key, authorization: 'Bearer test-key' })).toMatchObject({
      status: 401,
      body: { code: 40102, message: 'BAD_TOKEN' },
    });
  });

  it('binds and probes the engine, and is renewed by another one (B-CP-057)', async () => {
    const worker = { pool_id: 'gpu', replica_id: 'r1', url: `${engine.url}/`, slots_total: 2 };
    expect((await register(worker)).body).toMatchObject({ outcome: 'bound' });
    expect((await register(worker)).body).toMatchObject({ outcome: 'renewed' });
    const { body } = await send('GET', '', key);
    expect(body['items']).toContainEqual(
      expect.objectContaining({ pool_id: 'gpu', replica_id: 'r1', engine: 'llamacpp', ready: true, slots_total: 2 }),
    );
    expect(JSON.stringify(body)).not.toContain(engine.url);
  });

  it('refuses an engine that is another replica already, and names that (B-CP-059)', async () => {
    await register({ pool_id: 'gpu', replica_id: 'r1', url: engine.url });
    const { status, body } = await register({ pool_id: 'twice', url: `${engine.url.replace('http', 'HTTP')}/v1` });
    expect([status, body['code'], body['field']]).toEqual([409, 'REPLICA_CONFLICT', 'url']);
    expect(body['message']).toContain('gpu/r1');
    expect(body['message']).not.toContain(engine.url);
  });

  it.each([
    ['url', 'http://169.254.169.254/'],
    ['url', 'ftp://127.0.0.1/'],
    ['url', 'nonsense'],
    ['url', 7],
    ['pool_id', '../x'],
    ['replica_id', ''],
    ['engine', 'abacus'],
    ['engine_version', 'a\nb'],
    ['engine_version', 'x'.repeat(129)],
    ['slots_total', 0],
    ['slots_total', 4097],
    ['slots_total', '4'],
    ['ttl_ms', -1],
    ['ttl_ms', 1e300],
    ['device_mask', {}],
  ])('refuses %s %j and names it', async (field, value) => {
    const { status, body } = await register({ pool_id: 'refused', url: 'http://127.0.0.1:9', [field]: value });
    expect([status, body['code'], body['field']]).toEqual([400, 'INVALID_PARAMS', field]);
    expect(body['message']).toContain(field);
  });
});

describe('GET /v2/workers', () => {
  it('lists by pool and replica, page by page, and says when there is no more', async () => {
    for (const replica_id of ['a', 'b', 'c']) await register({ pool_id: 'pages', replica_id });
    const all = (await send('GET', '?limit=1000', key)).body['items'] as Record<string, unknown>[];
    const names = (items: unknown) =>
      (items as Record<string, unknown>[]).map(
        worker => `${String(worker['pool_id'])}/${String(worker['replica_id'])}`,
      );
    const paged: string[] = [];
    let cursor = '';
    let pages = 0;
    do {
      const { body } = await send('GET', `?limit=1${cursor && `&cursor=${cursor}`}`, key);
      paged.push(...names(body['items']));
      cursor = typeof body['next_cursor'] === 'string' ? body['next_cursor'] : '';
      pages++;
    } while (cursor !== '');
    expect(paged).toEqual(names(all));
    expect(pages).toBe(all.length);
    expect(await send('GET', '', token)).toMatchObject({ status: 401 });
    expect((await send('GET', '?cursor=nonsense', key)).body).toMatchObject({
      code: 'INVALID_PARAMS',
      field: 'cursor',
    });
  });
});

describe('DELETE /v2/workers/{pool}/{replica}', () => {
  it('unbinds a replica, needs a key, and answers 404 for one that there is not', async () => {
    await register({ pool_id: 'gone', replica_id: 'r1' });
    expect((await send('DELETE', '/gone/r1', token)).status).toBe(401);
    expect((await send('DELETE', '/gone/r1', key)).status).toBe(204);
    expect(await send('DELETE', '/gone/r1', key)).toMatchObject({ status: 404, body: { code: 'REPLICA_NOT_FOUND' } });
    expect((await send('DELETE', '/a%2fb/r1', key)).body).toMatchObject({ code: 'INVALID_PARAMS' });
  });
});
