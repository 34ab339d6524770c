import { lookup } from 'node:dns';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { LAST_RESORT_MS } from '../support/deadline';
import { EngineDetector } from '../../src/engines/detection/engine-detector';
import type { EngineAdapter, EngineProbe } from '../../src/engines/engine-adapter.port';
import { OllamaAdapter } from '../../src/engines/ollama/ollama.adapter';
import { OpenaiAdapter } from '../../src/engines/openai/openai.adapter';
import { SglangAdapter } from '../../src/engines/sglang/sglang.adapter';
import { TgiAdapter } from '../../src/engines/tgi/tgi.adapter';
import { TritonAdapter } from '../../src/engines/triton/triton.adapter';
import { VllmAdapter } from '../../src/engines/vllm/vllm.adapter';
import { EngineHttp } from '../../src/engines/wire/engine-http';
import { Alarms } from '../../src/time/alarms';
import { Clock } from '../../src/time/clock';
import { TurnEnd } from '../../src/time/turn-end';
import { adapterOf, chatRequest, collect, engineRequest, filesAsKeys, targetAt } from './adapter-under-test';
import {
  chunk,
  recordedBytes,
  recordingOf,
  replayServer,
  streamHead,
  type Answer,
  type ReplayServer,
} from './replay-server';

const servers: ReplayServer[] = [];
const closing: (() => Promise<void>)[] = [];

async function serve(answer: Answer): Promise<ReplayServer> {
  const server = await replayServer(answer);
  servers.push(server);
  return server;
}

function adapter<T extends EngineAdapter>(Kind: new (http: EngineHttp, clock: Clock) => T, clock?: Clock): T {
  const made = adapterOf(Kind, clock);
  closing.push(made.close);
  return made.adapter;
}

const json = (status: number, body: string): string =>
  `HTTP/1.1 ${status} Status\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** By path: a recording's name, or bytes; what is not there gets the engine's own 404. */
function answering(engine: string, answers: Readonly<Record<string, string | Buffer>>): Answer {
  return (socket, { path }) => {
    const answer = answers[path] ?? json(404, '{"detail":"Not Found"}');
    socket.write(typeof answer === 'string' && !answer.startsWith('HTTP/') ? recordingOf(engine, answer) : answer);
  };
}

async function probed(made: EngineAdapter, answer: Answer): Promise<EngineProbe> {
  return made.probe(targetAt((await serve(answer)).url), AbortSignal.timeout(LAST_RESORT_MS));
}

afterEach(() => Promise.all(servers.splice(0).map(server => server.close())));
afterAll(() => Promise.all(closing.map(close => close())));

const vllmRoutes = {
  '/health': 'health',
  '/v1/models': 'models',
  '/version': 'version',
  '/metrics': 'metrics-busy',
  '/v1/completions': 'method-not-allowed',
  '/v1/chat/completions': 'method-not-allowed',
};

describe('vLLM', () => {
  it('tells its models, its context, what runs and waits, and which routes its model has', async () => {
    expect(await probed(adapter(VllmAdapter), answering('vllm', vllmRoutes))).toMatchObject({
      state: 'ready',
      engineVersion: '0.32.0',
      ctxMax: 512,
      loadedModel: 'tiny',
      models: [{ id: 'tiny', state: 'loaded', ctxMax: 512 }],
      running: 2,
      waiting: 3,
      slotsBusy: 5,
      kvUsageRatio: 0.00012207776353534427,
      supportedWorkloads: ['completion', 'chat'],
    });
  });

  it('is none the worse for metrics that nobody may see', async () => {
    const { '/metrics': _metrics, ...routes } = vllmRoutes;
    const probe = await probed(adapter(VllmAdapter), answering('vllm', routes));
    expect(probe).toMatchObject({ state: 'ready' });
    expect(probe.waiting).toBeUndefined();
  });

  it('is not well while its engine is dead and it is not', async () => {
    const answer = answering('vllm', { ...vllmRoutes, '/health': 'health-engine-dead' });
    expect(await probed(adapter(VllmAdapter), answer)).toMatchObject({ state: 'unreachable' });
  });

  it('is not believed to be well when it makes no step for a minute with requests at work', async () => {
    const clock = new Clock();
    let nowMs = 0;
    clock.nowMs = () => nowMs;
    const made = adapter(VllmAdapter, clock);
    const server = await serve((socket, request) => {
      if (request.method === 'POST') return void socket.write(streamHead());
      return answering('vllm', { ...vllmRoutes, '/metrics': 'metrics-idle' })(socket, request);
    });
    const probe = () => made.probe(targetAt(server.url), AbortSignal.timeout(LAST_RESORT_MS));
    expect((await probe()).state).toBe('ready');
    nowMs = 600_000;
    expect((await probe()).state).toBe('ready');
    const run = made.run(targetAt(server.url), chatRequest()).subscribe({ error: () => undefined });
    nowMs += 59_000;
    expect((await probe()).state).toBe('ready');
    nowMs += 2_000;
    expect(await probe()).toMatchObject({ state: 'unreachable', reason: expect.stringContaining('no step') as string });
    run.unsubscribe();
    expect((await probe()).state).toBe('ready');
  });

  it('of another kind has other routes', async () => {
    const routes = { ...vllmRoutes, '/v1/embeddings': 'method-not-allowed', '/v1/rerank': 'method-not-allowed' };
    const { '/v1/completions': _completions, '/v1/chat/completions': _chats, ...pooling } = routes;
    expect((await probed(adapter(VllmAdapter), answering('vllm', pooling))).supportedWorkloads).toEqual([
      'embedding',
      'rerank',
    ]);
  });
});

describe('SGLang', () => {
  const routes = { '/ready': json(200, ''), '/v1/models': 'models', '/v1/loads?include=core': 'loads' };

  it('has the slots that its schedulers tell of, and is not asked for its slow health', async () => {
    const server = await serve(answering('sglang', routes));
    const probe = await adapter(SglangAdapter).probe(targetAt(server.url), AbortSignal.timeout(LAST_RESORT_MS));
    expect(probe).toMatchObject({
      state: 'ready',
      engineVersion: '0.5.23',
      slotsTotal: 64,
      slotsBusy: 4,
      running: 3,
      waiting: 1,
      kvUsageRatio: 0.03,
      ctxMax: 4096,
    });
    expect(server.requests.map(({ path }) => path)).not.toContain('/health');
  });

  it('is loading while it says so', async () => {
    const answer = answering('sglang', { ...routes, '/ready': 'health-starting' });
    expect(await probed(adapter(SglangAdapter), answer)).toMatchObject({ state: 'loading' });
  });

  it('ends a run that is given up by its name, and no other', async () => {
    let abort: (body: string) => void = () => undefined;
    const aborted = new Promise<string>(resolve => (abort = resolve));
    let begun: () => void = () => undefined;
    const began = new Promise<void>(resolve => (begun = resolve));
    const server = await serve((socket, { path, body }) => {
      if (path === '/abort_request') return abort(body);
      socket.write(streamHead());
      begun();
    });
    const run = adapter(SglangAdapter)
      .run(targetAt(server.url), chatRequest())
      .subscribe({ error: () => undefined });
    await began;
    run.unsubscribe();
    const { rid } = JSON.parse(await aborted) as { rid: string };
    expect(rid).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({ rid });
  });

  it('is not told of a run that ended by itself', async () => {
    const server = await serve(socket => void socket.write(recordingOf('sglang', 'openai-chat-stream-usage')));
    await collect(adapter(SglangAdapter).run(targetAt(server.url), chatRequest()));
    expect(server.requests).toHaveLength(1);
  });

  it('ranks with a bare list, which is given as any other', async () => {
    const list = '[{"score":0.9,"document":"b","index":1},{"score":0.1,"document":"a","index":0}]';
    const server = await serve(socket => void socket.write(json(200, list)));
    const request = engineRequest({ work: { operation: 'rerank', body: { query: 'q', documents: ['a', 'b'] } } });
    const { events } = await collect(adapter(SglangAdapter).run(targetAt(server.url), request));
    const [result] = events;
    expect(result?.kind === 'result' && JSON.parse(result.data)).toEqual({
      results: [
        { index: 1, relevance_score: 0.9, document: { text: 'b' } },
        { index: 0, relevance_score: 0.1, document: { text: 'a' } },
      ],
    });
  });
});

describe('Ollama', () => {
  it('tells what it has, and what of it is loaded', async () => {
    const routes = { '/api/version': 'version', '/api/tags': 'tags', '/api/ps': 'ps-loaded' };
    const probe = await probed(adapter(OllamaAdapter), answering('ollama', routes));
    expect(probe).toMatchObject({
      state: 'ready',
      engineVersion: '0.33.0-rc2',
      loadedModel: 'tiny:latest',
      ctxMax: 4096,
    });
    expect(probe.models).toContainEqual({ id: 'tiny:latest', names: ['tiny'], state: 'loaded', ctxMax: 4096 });
    expect(probe.models).toContainEqual({ id: 'tools-native:latest', names: ['tools-native'], state: 'unloaded' });
    expect(probe.slotsTotal).toBeUndefined();
  });

  it('loads and unloads by a request without a prompt', async () => {
    const server = await serve((socket, { body }) => {
      socket.write(recordingOf('ollama', body.includes('keep_alive') ? 'unload' : 'load-empty-prompt'));
    });
    const made = adapter(OllamaAdapter);
    expect(await made.load(targetAt(server.url), 'tiny', AbortSignal.timeout(LAST_RESORT_MS))).toEqual({ ok: true });
    expect(await made.unload(targetAt(server.url), 'tiny', AbortSignal.timeout(LAST_RESORT_MS))).toEqual({ ok: true });
    expect(server.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { model: 'tiny', stream: false },
      { model: 'tiny', stream: false, keep_alive: 0 },
    ]);
  });

  it('that cannot load a model says why', async () => {
    const server = await serve(socket => void socket.write(recordingOf('ollama', 'load-fails')));
    const { error } = await collect(adapter(OllamaAdapter).run(targetAt(server.url), chatRequest({ model: 'm' })));
    expect(error).toMatchObject({ code: 'MODEL_LOAD_FAILED' });
  });

  it.each([
    ['n', { n: 2 }],
    ['tool_choice', { tool_choice: 'required' }],
    ['options.num_ctx', { options: { num_ctx: 1 } }],
    ['zzz', { zzz: 1 }],
  ])('is not asked for %s, which it would ignore or mind', async (field, body) => {
    const server = await serve(() => undefined);
    const { error } = await collect(adapter(OllamaAdapter).run(targetAt(server.url), chatRequest({ body })));
    expect(error).toMatchObject({ code: 'INVALID_PARAMS', details: { field } });
    expect(server.requests).toEqual([]);
  });
});

describe('TGI', () => {
  const metrics = 'tgi_batch_current_size 3\ntgi_queue_size 2\n';
  const routes = {
    '/health': 'health-ok',
    '/info': 'info',
    '/metrics': `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${metrics.length}\r\n\r\n${metrics}`,
  };

  it('tells its model and its load', async () => {
    expect(await probed(adapter(TgiAdapter), answering('tgi', routes))).toMatchObject({
      state: 'ready',
      loadedModel: 'HuggingFaceH4/zephyr-7b-beta',
      ctxMax: 4096,
      running: 3,
      waiting: 2,
    });
  });

  it('is not well when it says so', async () => {
    const answer = answering('tgi', { ...routes, '/health': 'health-down' });
    expect(await probed(adapter(TgiAdapter), answer)).toMatchObject({ state: 'unreachable', reason: 'unhealthy' });
  });
});

describe('Triton', () => {
  const routes = {
    '/v2': 'server-metadata',
    '/v2/repository/index': 'repository-index',
    '/v2/health/ready': 'health-ready',
    '/v2/models/words': 'model-metadata',
  };

  it('tells of the models that make text of text, and of no others', async () => {
    const probe = await probed(adapter(TritonAdapter), answering('triton', routes));
    expect(probe).toMatchObject({ state: 'ready', engineVersion: '2.51.0', loadedModel: 'words' });
    expect(probe.models).toEqual([
      { id: 'broken', state: 'unloaded' },
      { id: 'ready_not', state: 'unloaded' },
      { id: 'words', state: 'loaded' },
    ]);
  });

  it('is ready though one of its models failed, for which it calls itself not ready', async () => {
    const answer = answering('triton', {
      ...routes,
      '/v2/repository/index': 'repository-index-broken',
      '/v2/health/ready': 'health-ready-one-failed',
    });
    const { state, models } = await probed(adapter(TritonAdapter), answer);
    expect(state).toBe('ready');
    expect(models?.[0]).toEqual({ id: 'broken', state: 'failed', reason: 'Internal: RuntimeError: weights not found' });
  });

  it('that stops says so only by not being ready', async () => {
    const answer = answering('triton', { ...routes, '/v2/health/ready': 'sigterm-pooled-health-ready' });
    expect(await probed(adapter(TritonAdapter), answer)).toMatchObject({ state: 'loading' });
  });

  it('is not believed of a model whose process died, until that is unloaded', async () => {
    const made = adapter(TritonAdapter);
    const server = await serve((socket, request) =>
      answering('triton', {
        ...routes,
        '/v2/models/words/generate_stream': 'generate-stream-after-model-process-died',
        '/v2/repository/models/words/unload': 'repository-unload',
      })(socket, request),
    );
    const target = targetAt(server.url);
    const states = async () =>
      (await made.probe(target, AbortSignal.timeout(LAST_RESORT_MS))).models?.find(({ id }) => id === 'words')?.state;
    expect(await states()).toBe('loaded');
    const { error } = await collect(made.run(target, engineRequest({ model: 'words' })));
    expect(error).toMatchObject({ code: 'WORKER_RESET' });
    expect(await states()).toBe('failed');
    expect(await made.unload(target, 'words', AbortSignal.timeout(LAST_RESORT_MS))).toEqual({ ok: true });
    expect(await states()).toBe('loaded');
  });

  it('shows nobody the traceback of a model', async () => {
    const server = await serve(socket => void socket.write(recordingOf('triton', 'generate-stream-raise-middle')));
    const { error } = await collect(
      adapter(TritonAdapter).run(targetAt(server.url), engineRequest({ model: 'words' })),
    );
    expect(error?.message).toContain('RuntimeError: raised from the model');
    expect(error?.message).not.toContain('/srv');
  });
});

describe('any server', () => {
  it('is ready when it tells its models', async () => {
    const answer = answering('vllm', { '/v1/models': 'models' });
    expect(await probed(adapter(OpenaiAdapter), answer)).toMatchObject({
      state: 'ready',
      loadedModel: 'tiny',
      ctxMax: 512,
    });
  });
});

describe('the kind of an engine', () => {
  const clock = new Clock();
  const http = new EngineHttp({ lookup }, filesAsKeys, clock, new Alarms(clock), new TurnEnd());
  const detector = new EngineDetector(http);
  closing.push(() => Promise.resolve(http.onModuleDestroy()));
  const root = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\nOllama is running';

  it.each<[string | undefined, Answer]>([
    ['vllm', answering('vllm', { '/v1/models': 'models' })],
    ['sglang', answering('sglang', { '/v1/models': 'models' })],
    ['llamacpp', answering('vllm', { '/v1/models': recordedBytes('models') })],
    ['llamacpp', socket => void socket.write(recordedBytes('health-loading'))],
    ['llamacpp', answering('vllm', { '/props': recordedBytes('props') })],
    ['ollama', answering('ollama', { '/v1/models': json(200, '{"data":[]}'), '/': root })],
    ['tgi', answering('tgi', { '/v1/models': 'models', '/info': 'info' })],
    ['triton', answering('triton', { '/v2': 'server-metadata' })],
    ['openai', answering('vllm', { '/v1/models': json(200, '{"object":"list","data":[{"id":"m"}]}') })],
    [undefined, socket => void socket.write(json(200, '"hello"'))],
    [undefined, socket => void socket.end()],
  ])('%s is seen by what it answers', async (kind, answer) => {
    expect(await detector.kindOf(targetAt((await serve(answer)).url))).toBe(kind);
  });
});

it('a chunk of nothing but a role is no event', async () => {
  const role = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n';
  const end = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
  const server = await serve(
    socket => void socket.write(Buffer.concat([streamHead(), chunk(role + end), Buffer.from('0\r\n\r\n')])),
  );
  const { events } = await collect(adapter(OpenaiAdapter).run(targetAt(server.url), chatRequest()));
  expect(events).toEqual([{ kind: 'end', usage: { tokensOut: 0, finishReason: 'stop' } }]);
});
