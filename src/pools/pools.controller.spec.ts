import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/deadline';
import { createInProcess, type InProcessService } from '../../test/support/in-process';
import { bindingOf } from '../../test/support/pools';
import { PoolRegistry } from './registry/pool-registry.port';

let service: InProcessService;
let registry: PoolRegistry;

beforeAll(async () => {
  service = await createInProcess();
  await service.app.init();
  await service.app.getHttpAdapter().getInstance().ready();
  registry = service.app.get(PoolRegistry);
  await registry.bind(bindingOf(undefined));
  await registry.bind(bindingOf('http://127.0.0.1:9', { poolId: 'other', engine: 'deterministic' }));
  await registry.observe('other', 'r0', { state: 'ready', slotsTotal: 2, engineVersion: '1', kvUsageRatio: 0.5 });
});
afterAll(() => service.close());

async function send(method: 'GET' | 'POST', url: string, payload?: string | object) {
  const type = typeof payload === 'string' ? { 'content-type': 'application/json' } : {};
  const headers = { 'x-api-key': 'test-key', ...type };
  const answer = await service.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

describe('GET /v2/pools', () => {
  it('lists pools by id, page by page', async () => {
    const first = await send('GET', '/v2/pools?limit=1');
    expect(first).toMatchObject({ status: 200, body: { items: [{ pool_id: 'gpu' }] } });
    const second = await send('GET', `/v2/pools?limit=1&cursor=${String(first.body['next_cursor'])}`);
    expect(second.body).toMatchObject({ items: [{ pool_id: 'other' }] });
    expect(second.body).not.toHaveProperty('next_cursor');
    expect((await send('GET', '/v2/pools?cursor=a%20b')).body).toMatchObject({
      code: 'INVALID_PARAMS',
      field: 'cursor',
    });
  });
});

describe('GET /v2/pools/{id}', () => {
  it('shows the pool and its replicas, without their addresses', async () => {
    const { status, body } = await send('GET', '/v2/pools/other');
    expect(status).toBe(200);
    expect(body).toMatchObject({ pool_id: 'other', ready: true, reloading: false, last_error: null });
    expect(body['replicas']).toMatchObject([{ replica_id: 'r0', engine_version: '1', leaving: false, slots_total: 2 }]);
    expect(JSON.stringify(body)).not.toContain('127.0.0.1');
    expect(body).not.toHaveProperty('last_purge');
  });

  it('answers 404 for one that there is not', async () => {
    expect(await send('GET', '/v2/pools/nobody')).toMatchObject({ status: 404, body: { code: 'POOL_NOT_FOUND' } });
  });
});

describe('GET /v2/pools/{id}/health', () => {
  it('tells how a known pool is (B-CP-010, B-CP-011, B-CP-013, B-CP-014, B-CP-015)', async () => {
    expect(await send('GET', '/v2/pools/other/health')).toMatchObject({
      status: 200,
      body: {
        ...{ live: true, ready: true, draining: false, last_error: null },
        metrics: { queue_depth: 0, slots_total: 2, slots_free: 2, running: 0 },
        replicas: [{ replica_id: 'r0', live: true, ready: true }],
      },
    });
  });

  it('says in words why a pool is not ready', async () => {
    const { body } = await send('GET', '/v2/pools/gpu/health');
    const reason = 'No engine address was given for this replica.';
    expect(body).toMatchObject({ live: false, ready: false, last_error: reason, replicas: [{ last_error: reason }] });
  });

  it('takes an unknown pool for live and ready (B-CP-012)', async () => {
    expect(await send('GET', '/v2/pools/unknown/health')).toEqual({
      status: 200,
      body: { live: true, ready: true, draining: false, metrics: {}, last_error: null, replicas: [] },
    });
  });

  it.each(['a%2fb', '%00', 'x'.repeat(129)])('refuses what cannot be an id: %s', async id => {
    const { status, body } = await send('GET', `/v2/pools/${id}/health`);
    expect([status, body['code']]).toEqual([400, 'INVALID_PARAMS']);
  });
});

describe('POST /v2/pools/{id}/drain and undrain', () => {
  it.each([undefined, '', '{}', '{"deadline_ms":null}', '{"deadline_ms":5000,"more":1}'])(
    'take the body %j (B-CP-020, B-CP-021, B-CP-022)',
    async payload => {
      const drained = await send('POST', '/v2/pools/other/drain', payload);
      expect(drained).toMatchObject({ status: 202, body: { pool_id: 'other', draining: true } });
      expect(drained.body['warnings'] !== undefined).toBe(payload?.includes('more') === true);
      expect((await send('GET', '/v2/pools/other/health')).body).toMatchObject({ draining: true, ready: false });
      const undrained = await send('POST', '/v2/pools/other/undrain', payload);
      expect(undrained).toEqual({ status: 202, body: { pool_id: 'other', draining: false } });
      expect((await send('GET', '/v2/pools/other/health')).body).toMatchObject({ draining: false, ready: true });
    },
  );

  it.each([0, -1, 86_400_001, 1.5, '5', true])('refuse a deadline of %j', async deadline => {
    const { status, body } = await send('POST', '/v2/pools/other/drain', { deadline_ms: deadline });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'INVALID_PARAMS', field: 'deadline_ms' });
    expect((await registry.pool('other'))?.draining).toBe(false);
  });

  it('answer 404 for a pool that there is not', async () => {
    for (const operation of ['drain', 'undrain', 'purge']) {
      expect((await send('POST', `/v2/pools/nobody/${operation}`)).body).toMatchObject({ code: 'POOL_NOT_FOUND' });
    }
  });
});

describe('POST /v2/pools/{id}/reload', () => {
  it('swaps the model and names both (B-CP-030, B-CP-033)', async () => {
    const first = await send('POST', '/v2/pools/gpu/reload', { new_model_ref: 'model-v1' });
    const swapped = { pool_id: 'gpu', old_model_ref: null, new_model_ref: 'model-v1', replicas: ['r0'] };
    expect(first).toEqual({ status: 200, body: swapped });
    const second = await send('POST', '/v2/pools/gpu/reload', { new_model_ref: 'model-v2' });
    expect(second.body).toMatchObject({ old_model_ref: 'model-v1', new_model_ref: 'model-v2' });
  });

  it('answers 409 with the reason of the engine (B-CP-031)', async () => {
    const { status, body } = await send('POST', '/v2/pools/gpu/reload', { new_model_ref: 'bad' });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'RELOAD_FAILED', engine: 'deterministic' });
    expect(body['message']).toContain('refuses the model `bad`');
  });

  it.each([undefined, {}, { new_model_ref: '' }, { new_model_ref: 7 }, { new_model_ref: 'x'.repeat(257) }])(
    'refuses the body %j',
    async payload => {
      const { status, body } = await send('POST', '/v2/pools/gpu/reload', payload);
      expect([status, body['field']]).toEqual([400, 'new_model_ref']);
    },
  );
});

describe('POST /v2/pools/{id}/purge', () => {
  /** Once the one before it is through. */
  const purge = (payload?: string | object) =>
    eventually(
      () => send('POST', '/v2/pools/gpu/purge', payload),
      ({ status }) => status !== 409,
    );

  it.each([
    ...[undefined, '', '{}', { anything: { at: ['all'] } }],
    { purge_engine: null, purge_models: null, drain_first: null, delete_cache_dirs: null, force: null },
    { purge_engine: true, purge_models: ['m'], drain_first: true, delete_cache_dirs: true, force: true },
  ])('takes the body %j (B-CP-040)', async payload => {
    expect(await purge(payload)).toMatchObject({ status: 202, body: { pool_id: 'gpu', accepted: true } });
  });

  it('shows with the pool what was done (B-CP-041)', async () => {
    await purge({ purge_engine: false, purge_models: ['shown', 'shown'] });
    const { body } = await eventually(
      () => send('GET', '/v2/pools/gpu'),
      pool => JSON.stringify(pool.body['last_purge'])?.includes('shown') === true,
    );
    expect(body['last_purge']).toMatchObject({ steps_total: 1, steps: [{ step: 'unload shown on r0', done: true }] });
  });

  it.each([
    ['body', []],
    ['purge_engine', { purge_engine: 'yes' }],
    ['purge_models', { purge_models: 'm' }],
    ['purge_models', { purge_models: [1] }],
    ['purge_models', { purge_models: Array.from({ length: 65 }, (_, n) => `m${n}`) }],
    ['purge_models', { purge_models: ['x'.repeat(257)] }],
    ['force', { force: 1 }],
  ])('refuses a wrong %s', async (field, payload) => {
    const { status, body } = await send('POST', '/v2/pools/gpu/purge', payload);
    expect([status, body['code'], body['field']]).toEqual([400, 'INVALID_PARAMS', field]);
  });
});
