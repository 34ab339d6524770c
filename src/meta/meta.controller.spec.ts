import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInProcess, type InProcessService } from '../../test/support/in-process';
import { bindingOf } from '../../test/support/pools';
import { PoolRegistry } from '../pools/registry/pool-registry.port';
import { Lifecycle } from '../lifecycle/lifecycle';

let service: InProcessService;
beforeAll(async () => {
  service = await createInProcess();
  await service.app.init();
  await service.app.getHttpAdapter().getInstance().ready();
});
afterAll(() => service.close());

const get = (url: string, headers: Record<string, string> = { 'x-api-key': 'test-key' }) =>
  service.app.inject({ method: 'GET', url, headers });

describe('GET /v2/meta/capabilities', () => {
  const capabilities = (etag?: string) =>
    get('/v2/meta/capabilities', { 'x-api-key': 'test-key', ...(etag !== undefined && { 'if-none-match': etag }) });

  it('is JSON, and says whether it was at hand (B-CP-001, B-CP-002, B-CP-004)', async () => {
    await service.app.get(PoolRegistry).bind(bindingOf(undefined, { replicaId: 'changes-the-bindings' }));
    const first = await capabilities();
    const second = await capabilities();
    expect([first.statusCode, first.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect([first.headers['x-cache'], second.headers['x-cache']]).toEqual(['MISS', 'HIT']);
    expect(second.rawPayload.equals(first.rawPayload)).toBe(true);
  });

  it('answers 304 to whoever has it, and to nobody else (B-CP-002)', async () => {
    const etag = String((await capabilities()).headers['etag']);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await capabilities(known);
      expect([answer.statusCode, answer.body, answer.headers['etag']], known).toEqual([304, '', etag]);
      expect(answer.headers['x-correlation-id']).toBeTruthy();
    }
    for (const known of ['"other"', etag.slice(1, -1), '']) expect((await capabilities(known)).statusCode).toBe(200);
  });
});

it('GET /v2/meta/version names the service, its API and its runtime', async () => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
  expect((await get('/v2/meta/version')).json()).toEqual({
    version,
    api_version: '2.0.0',
    node: process.versions.node,
  });
});

describe('the probes', () => {
  it('need no key, and follow the lifecycle: starting, ready, draining', async () => {
    const readiness = async () => {
      const { statusCode, headers } = await get('/readyz', {});
      return [statusCode, headers['retry-after'] !== undefined];
    };
    const lifecycle = service.app.get(Lifecycle);
    expect(await readiness()).toEqual([503, true]);
    lifecycle.ready();
    await expect(lifecycle.started).resolves.toBeUndefined();
    expect(await readiness()).toEqual([200, false]);
    lifecycle.drain();
    expect(await readiness()).toEqual([503, true]);
    lifecycle.ready();
    expect(await readiness()).toEqual([503, true]);
    expect((await get('/healthz', {})).json()).toEqual({ status: 'ok' });
  });
});
