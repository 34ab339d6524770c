import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { EngineProbe } from '../../src/engines/engine-adapter.port';
import { llamacppAdapter, targetAt } from './adapter-under-test';
import { always, byPath, recordedBytes, replayServer, writeCut, type Answer, type ReplayServer } from './replay-server';
import { LAST_RESORT_MS } from '../support/deadline';

const { adapter, close } = llamacppAdapter();
let server: ReplayServer;

async function probe(answer: Answer, signal = AbortSignal.timeout(LAST_RESORT_MS)): Promise<EngineProbe> {
  server = await replayServer(answer);
  return adapter.probe(targetAt(server.url), signal);
}

function json(status: string, body: unknown): string {
  const text = JSON.stringify(body);
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Answers by path with these bodies, and with the recorded 404 otherwise. */
function bodies(answers: Readonly<Record<string, unknown>>): Answer {
  return (socket, { path }) =>
    void socket.write(path in answers ? json('200 OK', answers[path]) : recordedBytes('not-found'));
}

const single = { '/health': 'health-ok', '/props': 'props', '/slots': 'slots' };
const features = ['streaming', 'cancel', 'seed', 'kv-cache'];

afterEach(() => server.close());
afterAll(close);

describe('a server with one model', () => {
  const ready: EngineProbe = {
    state: 'ready',
    slotsTotal: 4,
    slotsBusy: 0,
    engineVersion: 'b1-de3ff81',
    ctxMax: 2048,
    models: [{ id: 'tiny.gguf', names: ['tiny'], state: 'loaded', ctxMax: 2048 }],
    loadedModel: 'tiny.gguf',
    sleeping: false,
    supportedWorkloads: ['completion', 'chat'],
    features,
  };

  it('is ready, with what it says of itself', async () => {
    expect(await probe(byPath(single))).toEqual(ready);
  });

  it.each([
    ['embeds', ['/v1/embeddings'], ['embedding']],
    // It answers for embeddings too, with zeros and what is no number.
    ['ranks', ['/v1/embeddings', '/v1/rerank'], ['rerank']],
  ])('that %s does nothing else', async (_, taken, supportedWorkloads) => {
    const plain = byPath(single);
    const answer: Answer = (socket, request) =>
      taken.includes(request.path) ? void socket.write(json('400 Bad Request', { error: {} })) : plain(socket, request);
    expect(await probe(answer)).toEqual({ ...ready, supportedWorkloads });
  });

  it('tells how many of its slots are at work', async () => {
    expect(await probe(byPath({ ...single, '/slots': 'slots-busy' }))).toEqual({ ...ready, slotsBusy: 1 });
  });

  it('says the same in whatever pieces it says it', async () => {
    server = await replayServer((socket, { path }) => {
      const bytes = recordedBytes(single[path as keyof typeof single] ?? 'not-found');
      return writeCut(
        socket,
        bytes,
        Array.from({ length: bytes.length - 1 }, (_, at) => at + 1),
      );
    });
    expect(await adapter.probe(targetAt(server.url), AbortSignal.timeout(20_000))).toEqual(ready);
  });

  it('need not show its slots', async () => {
    const { slotsBusy: _, ...rest } = ready;
    expect(await probe(byPath({ ...single, '/slots': 'rerank-unsupported' }))).toEqual(rest);
  });

  const asked = (): string[] => server.requests.map(({ path }) => path);

  it('is not asked for its slots where it is to be spared (B-DP-207)', async () => {
    server = await replayServer(byPath(single));
    const { slotsBusy: _, ...rest } = ready;
    const found = await adapter.probe(targetAt(server.url), AbortSignal.timeout(LAST_RESORT_MS), 'spare');
    expect(found).toEqual({ ...rest, slotsUnasked: true });
    expect(asked()).not.toContain('/slots');
  });

  it('that sleeps has no slot busy, and is not woken to say so (B-CP-016)', async () => {
    const found = await probe(byPath({ ...single, '/props': 'props-sleeping' }));
    expect(found).toMatchObject({ state: 'ready', sleeping: true, slotsTotal: 1, slotsBusy: 0 });
    expect(asked()).not.toContain('/slots');
  });

  it('that is too old to sleep never does', async () => {
    const found = await probe(bodies({ '/health': {}, '/props': { total_slots: 2 }, '/slots': [] }));
    expect(found).toMatchObject({ state: 'ready', slotsBusy: 0 });
    expect(found.sleeping).toBeUndefined();
  });

  it.each(['/props', '/slots'])('is busy, not gone, where it is healthy and %s does not come', async silent => {
    const health = new AbortController();
    const found = await probe((socket, request) => {
      if (request.path === silent) health.abort(new Error('time is up'));
      else void byPath(single)(socket, request);
    }, health.signal);
    expect(found).toEqual({ state: 'busy', reason: 'The engine is busy.' });
  });

  it('declares its model under all its names, the first alias being its id (B-DP-113)', async () => {
    const found = await probe(
      byPath({
        '/health': 'health-ok',
        '/props': 'aliases-props',
        '/slots': 'aliases-slots',
        '/v1/models': 'aliases-models',
      }),
    );
    const names = ['/models/tiny-a.gguf', 'tiny-a.gguf', 'tiny-a', 'stable'];
    expect(found).toMatchObject({ loadedModel: 'prod', models: [{ id: 'prod', names, state: 'loaded', ctxMax: 512 }] });
  });

  it('shows the name of its file, not the path, where it has no alias', async () => {
    const found = await probe(byPath({ '/health': 'health-ok', '/props': 'path-props', '/v1/models': 'path-models' }));
    const names = ['/models/tiny-a.gguf', 'tiny-a'];
    expect(found).toMatchObject({ loadedModel: 'tiny-a.gguf', models: [{ id: 'tiny-a.gguf', names }] });
  });

  it('is loading, not in error, while its health says so', async () => {
    expect(await probe(always(recordedBytes('health-loading')))).toEqual({ state: 'loading', reason: 'Loading model' });
  });

  it('can live below a path', async () => {
    server = await replayServer((socket, request) => {
      const name = single[request.path.replace('/engines/a', '') as keyof typeof single];
      socket.write(recordedBytes((request.path.startsWith('/engines/a/') && name) || 'not-found'));
    });
    const target = targetAt(`${server.url}/engines/a/`);
    expect(await adapter.probe(target, AbortSignal.timeout(LAST_RESORT_MS))).toEqual(ready);
  });
});

describe('a router', () => {
  const router = { '/health': 'router-health', '/props': 'router-props' };

  it('declares its models; before any is loaded it has room for those it may load', async () => {
    expect(await probe(byPath({ ...router, '/v1/models': 'router-models-unloaded' }))).toEqual({
      state: 'ready',
      slotsTotal: 4,
      slotsBusy: 0,
      engineVersion: 'b1-de3ff81',
      models: [
        { id: 'tiny-a', names: ['models/tiny-a.gguf', 'tiny-a.gguf'], state: 'unloaded' },
        { id: 'tiny-b', names: ['models/tiny-b.gguf', 'tiny-b.gguf'], state: 'unloaded' },
      ],
      supportedWorkloads: ['completion', 'chat', 'embedding', 'rerank'],
      features: [...features, 'model-loading'],
    });
  });

  it('says which model is loading', async () => {
    const { models } = await probe(byPath({ ...router, '/v1/models': 'router-models-loading' }));
    expect(models).toContainEqual({ id: 'tiny-a', names: ['models/tiny-a.gguf', 'tiny-a.gguf'], state: 'loading' });
  });

  it('has the slots of its loaded models, and asking for them loads nothing', async () => {
    const found = await probe(
      byPath({
        ...router,
        '/v1/models': 'router-models-loaded',
        '/props?model=tiny-a&autoload=false': 'props',
        '/slots?model=tiny-a&autoload=false': 'slots-busy',
      }),
    );
    expect(found).toMatchObject({
      ...{ state: 'ready', slotsTotal: 4 + 3, slotsBusy: 1, sleeping: false, ctxMax: 2048, loadedModel: 'tiny-a' },
    });
    expect(found.models).toMatchObject([{ id: 'tiny-a', state: 'loaded', ctxMax: 2048 }, { id: 'tiny-b' }]);
    expect(
      server.requests
        .filter(({ path }) => path.includes('model='))
        .every(({ path }) => path.endsWith('autoload=false')),
    ).toBe(true);
  });

  it.each([
    ['is to be spared', 'props', 'spare', { slotsUnasked: true, sleeping: false }],
    ['sleeps', 'props-sleeping', 'ask', { slotsBusy: 0, sleeping: true }],
  ] as const)('does not ask a model for its slots that %s', async (_, props, question, expected) => {
    server = await replayServer(
      byPath({ ...router, '/v1/models': 'router-models-loaded', '/props?model=tiny-a&autoload=false': props }),
    );
    const found = await adapter.probe(targetAt(server.url), AbortSignal.timeout(LAST_RESORT_MS), question);
    expect(found).toMatchObject({ state: 'ready', ...expected });
    expect(server.requests.filter(({ path }) => path.startsWith('/slots'))).toEqual([]);
  });

  it('says which model could not be loaded, and why', async () => {
    const { models } = await probe(byPath({ ...router, '/v1/models': 'router-models-failed' }));
    expect(models).toEqual([
      {
        id: 'broken',
        names: ['/models/broken.gguf', 'broken.gguf'],
        state: 'failed',
        reason: 'The engine could not load the model: its process ended with code 1.',
      },
      { id: 'tiny-a', names: ['/models/tiny-a.gguf', 'tiny-a.gguf'], state: 'unloaded' },
      { id: 'tiny-b', names: ['/models/tiny-b.gguf', 'tiny-b.gguf'], state: 'unloaded' },
    ]);
  });

  it('is ready though one of its models has gone meanwhile', async () => {
    const found = await probe(byPath({ ...router, '/v1/models': 'router-models-loaded' }));
    expect(found).toMatchObject({ state: 'ready', slotsTotal: 4, slotsBusy: 0 });
  });

  it('that loads nothing by itself has no slot before something is loaded', async () => {
    const found = await probe(
      bodies({
        '/health': { status: 'ok' },
        '/props': { role: 'router', models_autoload: false, max_instances: 4 },
        '/v1/models': {
          data: [
            { id: 'a', status: { value: 'unloaded', failed: true, exit_code: 1 } },
            { id: 'b', aliases: ['b-1', 7, 'b'], status: { value: 'sleeping' } },
            { id: 'c', status: { value: 'something new' } },
            { status: { value: 'loaded' } },
            null,
          ],
        },
      }),
    );
    expect(found).toMatchObject({
      slotsTotal: 0,
      models: [
        { id: 'a', state: 'failed' },
        { id: 'b', names: ['b-1'], state: 'loaded' },
        { id: 'c', state: 'unloaded' },
      ],
      loadedModel: 'b',
      features,
    });
  });
});

describe('what cannot be used is unreachable, with the reason', () => {
  const html = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>';

  it.each<[string, Answer, string]>([
    ['a web page for everything', always(html), 'The answer is not that of a llama.cpp server.'],
    ['another server', always(recordedBytes('not-found')), 'The engine answered with status 404: File Not Found.'],
    ['a list for an object', always(json('200 OK', [])), 'The answer is not that of a llama.cpp server.'],
    [
      'a key is asked for',
      always(json('401 Unauthorized', {})),
      'The engine did not take the key that it was sent, or was sent none.',
    ],
    ['a reset', socket => void socket.resetAndDestroy(), 'The engine closed the connection.'],
    ['a health that fails', always(json('500 Internal Server Error', {})), 'The engine failed: status 500'],
    [
      'health and nothing else',
      byPath({ '/health': 'health-ok' }),
      'The engine answered with status 404: File Not Found.',
    ],
  ])('%s', async (_, answer, reason) => {
    expect(await probe(answer)).toEqual({ state: 'unreachable', reason });
  });

  it('silence', async () => {
    expect(await probe(() => undefined, AbortSignal.timeout(50))).toEqual({
      state: 'unreachable',
      reason: 'The engine did not answer in time.',
    });
  });

  it.each([
    ['/health', 64 * 1024],
    ['/props', 1024 * 1024],
    ['/v1/models', 4 * 1024 * 1024],
  ])('an answer without end to %s, of which only as much is read as it can need', async (route, needBytes) => {
    const piece = Buffer.alloc(64 * 1024, ' ');
    let sentBytes = 0;
    const found = await probe((socket, { path }) => {
      if (path !== route)
        return void socket.write(path === '/health' ? recordedBytes('health-ok') : json('200 OK', { role: 'router' }));
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n');
      const writeOn = (): void => {
        while (!socket.destroyed && sentBytes < 100 * 1024 * 1024) {
          sentBytes += piece.length;
          if (!socket.write(piece)) return;
        }
      };
      socket.on('drain', writeOn);
      writeOn();
    });
    expect(found).toEqual({
      state: 'unreachable',
      reason: 'The engine sent an answer that is larger than any engine sends.',
    });
    // What lies in the buffers between the two is sent and never read.
    expect(sentBytes).toBeLessThan(needBytes + 8 * 1024 * 1024);
  });
});

describe('slots whose report is too large to read', () => {
  it('are not counted, and the engine serves on', async () => {
    const slot = { id: 0, is_processing: true, prompt: 'x'.repeat(2 * 1024 * 1024) };
    const found = await probe(
      (socket, { path }) =>
        void socket.write(
          path === '/slots'
            ? json('200 OK', [slot])
            : recordedBytes(single[path as keyof typeof single] ?? 'not-found'),
        ),
    );
    expect(found).toMatchObject({ state: 'ready', slotsTotal: 4 });
    expect(found.slotsBusy).toBeUndefined();
  });
});

it('believes no figure that cannot be one', async () => {
  const found = await probe(
    bodies({
      '/health': { status: 'ok' },
      '/props': {
        total_slots: 1e9,
        model_alias: ' \u0000\n',
        model_path: '/models/deep\u0007er/tiny.gguf',
        build_info: { b: 1 },
        default_generation_settings: { n_ctx: -5 },
      },
      '/slots': 'none',
    }),
  );
  expect(found).toEqual({
    state: 'ready',
    slotsTotal: 4096,
    models: [{ id: 'tiny.gguf', names: ['/models/deep er/tiny.gguf', 'tiny'], state: 'loaded' }],
    loadedModel: 'tiny.gguf',
    supportedWorkloads: ['completion', 'chat'],
    features,
  });
});
