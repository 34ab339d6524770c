import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { openEvents } from '../support/sse-client';

let service: RunningService;
let engine: RunningEngine;

beforeAll(async () => {
  engine = await startEngine({ slots: 8, tokensPerSecond: 0 });
  service = await startService({
    env: {
      ORCHD_LLAMACPP_URL: engine.url,
      AUTH_TOKEN: 'worker-token',
      ORCHD_ADMISSION_CAPACITY: '1000',
      ORCHD_PROBE_INTERVAL_MS: '200',
    },
  });
  await eventually(
    async () => (await service.request('GET', '/v2/pools/default/health')).json(),
    ({ ready }) => ready === true,
  );
});
afterAll(async () => {
  await service.stop();
  await engine.stop();
});

const json = { 'Content-Type': 'application/json' };

/** The longest that another request waited while `work` ran: how long the event loop was held. */
async function longestWaitMs(work: () => Promise<unknown>): Promise<number> {
  let running = true;
  const done = work().finally(() => (running = false));
  let longest = 0;
  while (running) {
    const from = performance.now();
    await service.request('GET', '/healthz');
    longest = Math.max(longest, performance.now() - from);
  }
  await done;
  return longest;
}

describe('bodies', () => {
  const nested = (depth: number): string => `{"prompt":"x","stop":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  it.each([
    ['nested 200,000 deep', nested(200_000), 400],
    [
      'an unknown field nested 200,000 deep',
      `{"prompt":"x","y":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`,
      400,
    ],
    ['__proto__', '{"prompt":"x","__proto__":{"admin":true}}', 400],
    ['an array', '[{"prompt":"x"}]', 400],
    ['a string', '"x"', 400],
    ['a number', '7', 400],
    ['broken JSON', '{"prompt":', 400],
    ['nothing', '', 400],
    ['a NUL in an id', '{"prompt":"x","task_id":"a\\u0000b"}', 400],
    ['a line end in an id', '{"prompt":"x","session_id":"a\\nb"}', 400],
    ['a prompt that is no string', '{"prompt":{"a":1}}', 400],
    ['too many stop words', `{"prompt":"x","stop":[${'"a",'.repeat(16)}"a"]}`, 400],
    ['a number past its bound', '{"prompt":"x","max_tokens":1e300}', 400],
    ['a deadline that is no number', '{"prompt":"x","deadline_ms":"soon"}', 400],
  ])('%s: an error that names what is wrong', async (_name, body, status) => {
    const answer = await service.request('POST', '/v2/tasks', { headers: json, body });
    expect(answer.status, answer.text).toBe(status);
    expect(answer.json()).toMatchObject({ code: 'INVALID_PARAMS' });
    expect(String(answer.json()['message']).length).toBeGreaterThan(10);
    expect(answer.headers['x-correlation-id']).toBeTruthy();
  });

  it.each([
    ['{"prompt":"x","max_tokens":1,"constructor":{"prototype":{"admin":true}},"prototype":{},"toString":1}', 202],
    ['{"prompt":"x","max_tokens":1,"placement":{"constructor":{"prototype":{"admin":true}},"hasOwnProperty":1}}', 400],
    ['{"prompt":{"constructor":5}}', 400],
    ['{"prompt":"x","stop":[{"constructor":{"prototype":1}}]}', 400],
    ['{"prompt":"x","a":[{"\\u005f_proto__":{"admin":true}}]}', 400],
  ])('with members named like parts of every object are read as any other: %s', async (body, status) => {
    const answer = await service.request('POST', '/v2/tasks', { headers: json, body });
    expect(answer.status, answer.text).toBe(status);
    expect(answer.text).not.toContain('admin');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'multipart/form-data; boundary=x',
    'application/vnd.api+json',
  ])('of type %s are refused with 415', async type => {
    const answer = await service.request('POST', '/v2/tasks', {
      headers: { 'Content-Type': type },
      body: '{"prompt":"x"}',
    });
    expect(answer.status).toBe(415);
    expect(answer.json()).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
  });

  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json\t;charset=utf-8',
  ])('of type %s are taken or refused, never misread', async type => {
    const answer = await service.request('POST', '/v2/tasks', {
      headers: { 'Content-Type': type },
      body: '{"prompt":"x","ctx":-1}',
    });
    expect([400, 415]).toContain(answer.status);
  });

  it('past the limit are refused with 413, before they are sent', async () => {
    const head = `POST /v2/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\nContent-Type: application/json\r\n`;
    const answer = await service.rawRequest(`${head}Content-Length: ${5 * 1024 * 1024}\r\n\r\n{"prompt":"`);
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  it('never hold the event loop for long', async () => {
    const waits = await longestWaitMs(async () => {
      for (let n = 0; n < 5; n++) await service.request('POST', '/v2/tasks', { headers: json, body: nested(200_000) });
      const large = `{"prompt":"${'[{\\"'.repeat(700_000)}","ctx":-1}`;
      for (let n = 0; n < 5; n++) await service.request('POST', '/v2/tasks', { headers: json, body: large });
    });
    process.stdout.write(`hostile bodies: another request waited ${waits.toFixed(0)} ms at the longest\n`);
    expect(waits).toBeLessThan(LAST_RESORT_MS);
  });
});

describe('requests that are no requests', () => {
  it.each([
    ['garbage', 'nonsense\r\n\r\n', 400],
    ['a bad escape', 'GET /v2/tasks/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a bare LF in a header', 'GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n', 400],
    ['huge headers', `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /v2/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'length and chunks',
      'POST /v2/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s: an answer with a correlation id', async (_name, bytes, status) => {
    const answer = await service.rawRequest(bytes);
    expect(answer.status).toBe(status);
    expect(answer.headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(answer.body)).toHaveProperty('code');
  });

  it('an expectation that nobody knows is passed over', async () => {
    const answer = await service.rawRequest(
      'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: a-pony\r\nConnection: close\r\n\r\n',
    );
    expect(answer.status).toBe(200);
    expect(answer.headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('write nothing into a stream that has begun on the same connection', async () => {
    engine.control({ tokensPerSecond: 20 }); // It goes on for longer than anything here takes.
    const submitted = await service.request('POST', '/v2/tasks', { body: { prompt: 'x', max_tokens: 20_000 } });
    const { hostname, port } = new URL(service.url);
    const received: Buffer[] = [];
    const path = `/v2/tasks/${String(submitted.json()['task_id'])}/events`;
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\n\r\n`),
    );
    const closed = new Promise(resolve => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.on('data', piece => {
      if (received.push(piece) === 1) socket.write('nonsense\r\n\r\n');
    });
    await closed;
    engine.control({ tokensPerSecond: 0 });
    const text = Buffer.concat(received).toString();
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
  });

  it('a correlation id that could forge a header or a log line is replaced', async () => {
    for (const id of ['a b', 'ä', 'x'.repeat(129), 'a\tb']) {
      const answer = await service.rawRequest(
        Buffer.from(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Correlation-Id: ${id}\r\nConnection: close\r\n\r\n`, 'utf8'),
      );
      expect(answer.headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('ids in paths', () => {
  const hostile = [
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e%2fx',
    '%00',
    'a%00b',
    '%2fetc%2fpasswd',
    'x'.repeat(10_000),
    '..',
    '%ff',
    "'%20OR%201=1",
    '-',
    '~',
  ];
  it.each(['/v2/tasks', '/v2/sessions', '/v2/pools', '/v2/artifacts', '/v2/catalog/models'])(
    'under %s lead nowhere',
    async base => {
      for (const id of hostile) {
        const answer = await service.request('GET', `${base}/${id}`);
        expect([400, 404, 414], `${base}/${id.slice(0, 40)} → ${answer.status}`).toContain(answer.status);
        expect(answer.headers['x-correlation-id']).toBeTruthy();
        expect(answer.text).not.toMatch(/\/(home|work|usr|root|tmp)\//);
      }
    },
  );

  it('never lead a model file out of the model directory', async () => {
    for (const localPath of ['../x', '/etc/passwd', 'a/../../x', '..', '.', '', 'a\0b']) {
      const answer = await service.request('POST', '/v2/catalog/models', { body: { id: 'm', local_path: localPath } });
      expect([localPath, answer.status]).toEqual([localPath, 400]);
    }
    for (const id of ['../x', '/x', 'a//b', 'a/../b', '.x', 'a/.b', 'x'.repeat(257)]) {
      expect((await service.request('POST', '/v2/catalog/models', { body: { id } })).status).toBe(400);
    }
  });
});

describe('metric labels', () => {
  it('stay bounded however many names clients make up', async () => {
    for (let n = 0; n < 2000; n += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, k) =>
          service.request('POST', '/v2/tasks', {
            body: {
              prompt: 'x',
              engine: `engine-${n + k}`,
              placement: { pin_pool_id: `pool-${n + k}` },
              expected_tokens: 1_000_000,
            },
          }),
        ),
      );
      await service.request('GET', `/random/${n}`);
    }
    const { text } = await service.request('GET', '/metrics');
    const series = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
    process.stdout.write(`2,000 made-up engines and pools: ${series.length} series in all\n`);
    expect(series.length).toBeLessThan(800);
    expect(text).toContain('engine="other"');
  });
});

describe('a reader that stops reading', () => {
  it('costs no memory, and others go on', { timeout: 120_000 }, async () => {
    const { pid } = service;
    const rss = async (): Promise<number> => {
      const { readFile } = await import('node:fs/promises');
      return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    };
    const submitted = await service.request('POST', '/v2/tasks', {
      body: { prompt: 'x', max_tokens: 60_000, deadline_ms: 60_000 },
    });
    const taskId = String(submitted.json()['task_id']);
    const path = `/v2/tasks/${taskId}/events`;
    const { hostname, port } = new URL(service.url);
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), hostname, () =>
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\n\r\n`),
      );
      socket.pause();
      return socket;
    });
    try {
      const stream = await openEvents(service.url + path, { headers: { 'X-API-Key': service.apiKey } });
      await stream.finished(40_000);
      expect(stream.events.at(-1)?.type).toBe('end');
      const stalledMb = await rss();
      process.stdout.write(`20 stalled readers of a stream of 60,000 tokens: ${stalledMb.toFixed(0)} MB RSS\n`);
      // The log itself is some 4 MB; a copy for each reader would be 80 more on top of them.
      expect(stalledMb).toBeLessThan(400);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

describe('a client that sends its headers slowly', () => {
  it('is cut off, and others are served meanwhile', { timeout: 120_000 }, async () => {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname, () => socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n'));
    const received: Buffer[] = [];
    socket.on('data', chunk => received.push(chunk));
    const drip = setInterval(() => socket.writable && socket.write('X-A: b\r\n'), 500);
    const closed = new Promise(resolve => socket.once('close', resolve));
    socket.on('error', () => undefined);
    expect((await service.request('GET', '/healthz')).status).toBe(200);
    await closed;
    clearInterval(drip);
    expect(Buffer.concat(received).toString()).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('an output without end', () => {
  it('is ended at its bound, with a typed error and a free slot', { timeout: 120_000 }, async () => {
    const bounded = await startService({
      env: { ORCHD_LLAMACPP_URL: engine.url, ORCHD_TASK_OUTPUT_MAX_BYTES: '20000', ORCHD_PROBE_INTERVAL_MS: '200' },
    });
    try {
      const health = async (): Promise<Record<string, unknown>> =>
        (await bounded.request('GET', '/v2/pools/default/health')).json();
      await eventually(health, ({ ready }) => ready === true);
      const submitted = await bounded.request('POST', '/v2/tasks', { body: { prompt: 'x', max_tokens: 50_000 } });
      const stream = await openEvents(`${bounded.url}/v2/tasks/${String(submitted.json()['task_id'])}/events`, {
        headers: { 'X-API-Key': bounded.apiKey },
      });
      await stream.finished();
      expect(stream.events.at(-1)).toMatchObject({
        type: 'error',
        data: { code: 'OUTPUT_TOO_LARGE', retriable: false },
      });
      await eventually(health, ({ metrics }) => (metrics as { running: number }).running === 0);
    } finally {
      await bounded.stop();
    }
  });
});
