import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiOf } from '../../src/http/documents/api-of-path';
import { createInProcess, type InProcessService } from '../support/in-process';

interface Route {
  readonly method: string;
  readonly url: string;
  readonly open: boolean;
  readonly workerToken: boolean;
}

/** Routes that need no credential. Everything else the router has is refused without one. */
const openRoutes = new Set(['/', '/metrics', '/healthz', '/readyz'].flatMap(path => [`GET ${path}`, `HEAD ${path}`]));
/** Routes that need the worker token in place of a key. */
const workerRoutes = ['POST /v2/workers/register'];

async function routesOf(env: Record<string, string>): Promise<{ service: InProcessService; routes: Route[] }> {
  const service = await createInProcess(env);
  const routes: Route[] = [];
  const fastify = service.app.getHttpAdapter().getInstance();
  fastify.addHook('onRoute', ({ method, url, config }) => {
    // On a loopback bind the documentation is open too; the open bind below tries it.
    const open = config?.public === true || url.startsWith('/docs');
    const workerToken = config?.workerToken === true;
    for (const each of [method].flat()) routes.push({ method: each, url, open, workerToken });
  });
  await service.app.init();
  await fastify.ready();
  return { service, routes };
}

describe('every route of the router', () => {
  let service: InProcessService;
  let routes: Route[];

  beforeAll(async () => {
    ({ service, routes } = await routesOf({ AUTH_TOKEN: 'worker-token' }));
  });
  afterAll(() => service.close());

  const ask = (method: string, url: string, headers: Record<string, string> = {}) =>
    service.app.inject({ method: method as 'GET', url, headers });

  it('is there, and only the expected ones are open', () => {
    expect(routes.length).toBeGreaterThan(30);
    expect(
      new Set(
        routes.filter(({ open, url }) => open && !url.startsWith('/docs')).map(({ method, url }) => `${method} ${url}`),
      ),
    ).toEqual(openRoutes);
    expect(routes.filter(({ workerToken }) => workerToken).map(({ method, url }) => `${method} ${url}`)).toEqual(
      workerRoutes,
    );
  });

  it('is refused without a key and with a wrong one, with equal bodies', async () => {
    for (const { method, url, open, workerToken } of routes) {
      if (open || workerToken) continue;
      const path = url.replace(/:[a-z]+/g, 'x');
      const without = await ask(method, path);
      expect([without.statusCode, `${method} ${url}`]).toEqual([401, `${method} ${url}`]);
      expect(without.headers['x-correlation-id']).toBeTruthy();
      for (const key of ['', 'x', 'test-keytest-key', 'k'.repeat(4096), 'tést-key']) {
        const wrong = await ask(method, path, { 'x-api-key': key });
        // Other APIs have one status for both, and errors of forms of their own.
        const api = apiOf(url);
        expect([wrong.statusCode, `${method} ${url}`]).toEqual([api === 'own' ? 403 : 401, `${method} ${url}`]);
        const message = 'The API key is not valid.';
        if (method === 'HEAD') expect(wrong.body).toBe('');
        else if (api === 'anthropic') expect(wrong.json()).toMatchObject({ type: 'error', error: { message } });
        else if (api === 'ollama') expect(wrong.json()).toEqual({ error: message });
        else if (api === 'openai') expect(wrong.json()).toMatchObject({ error: { code: 'invalid_api_key', message } });
        else expect(wrong.json()).toMatchObject({ code: 'FORBIDDEN', message });
      }
    }
  });

  it('stays closed however its path is written', async () => {
    const disguises = [
      (path: string) => path.replace('v2', '%762'),
      (path: string) => `/${path}`,
      (path: string) => `${path}/`,
      (path: string) => `${path}/..`,
      (path: string) => `${path}/.`,
      (path: string) => `${path};x=y`,
      (path: string) => `${path}%00`,
      (path: string) => path.toUpperCase(),
      (path: string) => `/metrics/../${path.slice(1)}`,
    ];
    for (const { method, url, open } of routes) {
      if (open) continue;
      for (const disguise of disguises) {
        const path = disguise(url.replace(/:[a-z]+/g, 'x'));
        const { statusCode } = await ask(method, path);
        expect([[400, 401].includes(statusCode), `${method} ${path} → ${statusCode}`]).toEqual([
          true,
          `${method} ${path} → ${statusCode}`,
        ]);
      }
    }
  });

  it('tells no stranger which methods a path has (B-ERR-018)', async () => {
    for (const method of ['PUT', 'OPTIONS', 'TRACE']) {
      const answer = await ask(method, '/v2/tasks');
      expect([answer.statusCode, answer.headers.allow]).toEqual([401, undefined]);
    }
  });

  it('refuses a stranger before reading a body', async () => {
    const answer = await service.app.inject({
      method: 'POST',
      url: '/v2/tasks',
      headers: { 'content-type': 'application/json' },
      payload: '{"not json',
    });
    expect(answer.statusCode).toBe(401);
  });

  it('asks registration for its own token and no key', async () => {
    expect((await ask('POST', '/v2/workers/register')).json()).toMatchObject({ code: 40101 });
    expect((await ask('POST', '/v2/workers/register', { authorization: 'Bearer nope' })).json()).toMatchObject({
      code: 40102,
    });
  });

  it('documents the key, what a body may be, and the members of every list', async () => {
    interface Operation {
      readonly security?: unknown;
      readonly requestBody?: unknown;
      readonly parameters?: readonly { readonly name: string }[];
      readonly responses: Record<string, { readonly content?: unknown }>;
    }
    const { paths } = (await ask('GET', '/openapi.json')).json<{ paths: Record<string, Record<string, Operation>> }>();
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { security, requestBody, parameters = [], responses }] of Object.entries(operations)) {
        const expected = [
          ...(security === undefined ? ['401', '403'] : []),
          ...(requestBody === undefined ? [] : ['400', '413', '415']),
        ];
        expect([`${method} ${path}`, Object.keys(responses)]).toEqual([
          `${method} ${path}`,
          expect.arrayContaining(expected),
        ]);
        if (!parameters.some(({ name }) => name === 'cursor')) continue;
        expect([path, responses['200']?.content, Object.keys(responses)]).toEqual([
          path,
          expect.anything(),
          expect.arrayContaining(['400']),
        ]);
      }
    }
  });

  it('shows the documentation on a loopback bind without a key', async () => {
    expect((await ask('GET', '/openapi.json')).statusCode).toBe(200);
    expect((await ask('GET', '/docs')).statusCode).toBe(200);
  });
});

describe('an open bind', () => {
  it('shows the documentation only with a key', async () => {
    const { service } = await routesOf({ ORCHD_ADDR: '0.0.0.0:0' });
    try {
      for (const url of ['/openapi.json', '/docs', '/docs/']) {
        expect((await service.app.inject({ method: 'GET', url })).statusCode).toBe(401);
      }
      expect(
        (await service.app.inject({ method: 'GET', url: '/openapi.json', headers: { 'x-api-key': 'test-key' } }))
          .statusCode,
      ).toBe(200);
    } finally {
      await service.close();
    }
  });
});
