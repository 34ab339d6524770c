import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { startService, type RunningService } from '../support/service';
import { SlowRequest } from '../support/slow-request';

const DETACH_GRACE_MS = 10;

let engine: RunningEngine;
let service: RunningService;
const opened: SlowRequest[] = [];

beforeAll(async () => {
  engine = await startEngine({ slots: 8, tokensPerSecond: 50 });
  service = await startService({
    env: {
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_DETACH_GRACE_MS: String(DETACH_GRACE_MS),
      ORCHD_SSE_HEARTBEAT_MS: '3600000',
    },
  });
});
afterEach(() => opened.splice(0).forEach(request => request.destroy()));
afterAll(async () => {
  await service.stop();
  await engine.stop();
});

/** Sends a request whole. */
async function send(bytes: string): Promise<SlowRequest> {
  const request = await SlowRequest.open(service.url);
  opened.push(request);
  await request.send(bytes);
  return request;
}

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\n${headers}\r\n`;
}

async function submit(body: object): Promise<string> {
  const answer = await service.request('POST', '/v2/tasks', { body: { prompt: 'x', ...body } });
  return String(answer.json()['task_id']);
}

describe('a client that closes its side once it has asked (B-MW-025)', () => {
  it.each([
    ['a probe', () => 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', 200],
    [
      'a task',
      () =>
        `POST /v2/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\nContent-Type: application/json\r\n` +
        'Content-Length: 29\r\n\r\n{"prompt":"x","max_tokens":1}',
      202,
    ],
    ['nothing that it may', () => 'GET /v2/tasks HTTP/1.1\r\nHost: x\r\n\r\n', 401],
    ['in the words of HTTP/1.0', () => 'GET /healthz HTTP/1.0\r\n\r\n', 200],
  ])('is answered: %s', async (_, bytes, status) => {
    const request = await send(bytes());
    request.end();
    const answer = await request.answer();
    expect([answer.status, answer.complete]).toEqual([status, true]);
    await request.closed();
  });

  it('before it has sent all is told so', async () => {
    const request = await send(
      `POST /v2/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\nContent-Length: 9\r\n`,
    );
    request.end();
    const answer = await request.answer();
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('ended before it was complete')]);
  });

  it('reads its stream to the end', async () => {
    const request = await send(get(`/v2/tasks/${await submit({ max_tokens: 20 })}/events`));
    request.end();
    const text = await request.textWith('event: end');
    expect(text.match(/event: token/g)?.length).toBe(20);
  });
});

describe('a reader that leaves', () => {
  it.each([0, 100_000])('is missed soon, though nothing is written to it: %i tokens', async tokens => {
    // All slots are taken, so that the task waits and its stream is silent; or it runs.
    const taskId = await submit({
      max_tokens: tokens || 1,
      ...(tokens === 0 && { engine: 'llamacpp', placement: { pin_pool_id: 'nowhere' } }),
    });
    const request = await send(get(`/v2/tasks/${taskId}/events`));
    await request.textWith('retry: 1000');
    request.destroy();
    for (;;) {
      const { state } = (await service.request('GET', `/v2/tasks/${taskId}`)).json();
      if (state === 'cancelled') break;
    }
  });
});

describe('a service that stops', () => {
  it.each([
    ['says nothing', ''],
    ['has sent half a head', 'GET / HTTP/1.1\r\nHost'],
    ['was refused and sends no more of its body', 'POST /v2/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{'],
  ])('does not wait for a client that %s (B-MW-028)', async (_, bytes) => {
    const stopping = await startService();
    const request = await SlowRequest.open(stopping.url);
    opened.push(request);
    await request.send(bytes);
    // Seen by then, for it was there first.
    await stopping.request('GET', '/healthz');
    expect(await stopping.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('waits for no body that has not come, and tells its client (B-MW-028)', async () => {
    const stopping = await startService();
    try {
      const request = await SlowRequest.open(stopping.url);
      opened.push(request);
      const head = `POST /v2/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: ${stopping.apiKey}\r\nContent-Type: application/json\r\n`;
      await request.send(`${head}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n`);
      // Its body is being read.
      await request.textWith('100 Continue');
      await request.send('{"prompt":');
      stopping.signal('SIGTERM');
      const text = await request.textWith('SHUTTING_DOWN');
      expect(text).toMatch(/HTTP\/1\.1 503 .*x-correlation-id: [0-9a-f-]{36}/is);
      expect(await stopping.exited).toEqual({ code: 0, signal: null });
    } finally {
      await stopping.stop();
    }
  });
});

describe('a request that reaches no route', () => {
  it.each([
    ['without a key', '', 401, 'UNAUTHENTICATED'],
    ['with one', 'X-API-Key: test-key\r\n', 405, 'METHOD_NOT_ALLOWED'],
  ])('CONNECT is answered %s (B-ERR-018)', async (_, headers, status, code) => {
    const request = await send(
      `CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n${headers}X-Correlation-Id: c-1\r\n\r\n`,
    );
    const answer = await request.answer();
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([status, { code, correlation_id: 'c-1' }]);
    expect(answer.headers['x-correlation-id']).toBe('c-1');
    expect(answer.headers['allow']).toBe(status === 405 ? '' : undefined);
    await request.closed();
  });

  it('is answered also while more of it comes', async () => {
    const request = await send('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    for (let n = 0; n < 20; n++) await request.send(`X-${n}: ${'a'.repeat(10_000)}\r\n`);
    expect((await request.answer()).status).toBe(431);
  });
});

describe('every JSON answer', () => {
  it('ends with a line end (B-MW-026)', async () => {
    const document = await service.request('POST', '/v2/artifacts', { body: { a: 1 } });
    for (const answer of [
      document,
      await service.request('GET', '/'),
      await service.request('GET', '/healthz'),
      await service.request('GET', '/openapi.json'),
      await service.request('GET', '/v2/meta/capabilities'),
      await service.request('GET', '/v2/tasks'),
      await service.request('GET', '/v2/tasks/none'),
      await service.request('GET', '/nowhere'),
      await service.request('POST', '/v2/tasks', { body: { ctx: -1 } }),
    ]) {
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.text).toMatch(/^\{.*\}\n$/s);
    }
    // But for what an id is the hash of.
    const { id } = document.json<{ id: string }>();
    expect((await service.request('GET', `/v2/artifacts/${id}`)).text).toBe('{"a":1}');
  });
});

describe('the root', () => {
  it('says what this is, to anybody (B-MW-027)', async () => {
    const answer = await service.request('GET', '/', { headers: { 'X-API-Key': undefined } });
    expect([answer.status, answer.json()]).toMatchObject([
      200,
      { name: 'orchestratord', version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string, openapi: '/openapi.json' },
    ]);
    for (const path of ['docs', 'openapi', 'healthz', 'readyz', 'metrics', 'capabilities', 'tasks']) {
      expect([path, (await service.request('GET', String(answer.json()[path]))).status]).toEqual([path, 200]);
    }
  });
});

describe('an empty Last-Event-ID', () => {
  it('does not stand before the id in the query', async () => {
    const taskId = await submit({ max_tokens: 3 });
    const first = await (await send(get(`/v2/tasks/${taskId}/events`))).textWith('event: end');
    const last = [...first.matchAll(/^id: (\d+)$/gm)].at(-2)?.[1];
    const request = await send(get(`/v2/tasks/${taskId}/events?last_event_id=${last}`, 'Last-Event-ID: \r\n'));
    const text = await request.textWith('event: end');
    expect(text).not.toContain('event: token');
  });
});
