import { afterEach, describe, expect, it } from 'vitest';
import { rawRequest } from '../../../support/raw-request';
import { startEngine, type RunningEngine } from '../../engine';
import type { EngineSettings } from '../../engine-options';
import { recorded, shapeOfMessage } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  engine = await startEngine({ tokensPerSecond: 0, ctxTokens: 2048, ...options });
}

function get(path: string) {
  return rawRequest(engine.url, `GET ${path} HTTP/1.1\r\nHost: engine\r\n\r\n`);
}

function post(path: string, body: object | string = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\n`;
  return rawRequest(engine.url, `${head}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

const completion = { prompt: 'Hello world', n_predict: 16, stream: true, seed: 42, temperature: 0 };
const chat = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 6 };
const usage = { stream: true, stream_options: { include_usage: true } };

describe('the stand-in engine answers as the recorded server', () => {
  it.each([
    ['completion-stream', '/completion', completion],
    ['completion-stream-cached', '/completion', { ...completion, prompt: 'Hello world, again and again' }],
    [
      'completion-timings',
      '/completion',
      { ...completion, n_predict: 4, timings_per_token: true, return_progress: true },
    ],
    [
      'completion-progress-stream',
      '/completion',
      { ...completion, prompt: 'word '.repeat(350), n_predict: 2, return_progress: true },
    ],
    ['completion-plain', '/completion', { ...completion, stream: false }],
    ['openai-chat-stream', '/v1/chat/completions', { ...chat, ...usage }],
    ['openai-chat-plain', '/v1/chat/completions', chat],
    ['openai-completions-stream', '/v1/completions', { prompt: 'Hello world', max_tokens: 6, ...usage }],
    ['tokenize', '/tokenize', { content: 'Hello world' }],
  ])('%s: the same headers, frames and members', async (name, path, body) => {
    await start();
    expect(shapeOfMessage(await post(path, body))).toEqual(shapeOfMessage(recorded(name)));
  });

  it.each([
    ['completion-bad-json', '/completion', '{"prompt":'],
    ['completion-bad-param', '/completion', { prompt: 7 }],
    ['completion-too-long', '/completion', { prompt: `a${' a'.repeat(3000)}` }],
    ['openai-chat-bad', '/v1/chat/completions', { messages: 'hello' }],
    ['embeddings-unsupported', '/v1/embeddings', { input: 'hello' }],
    ['rerank-unsupported', '/v1/rerank', { query: 'hello' }],
    ['not-found', '/nothing', {}],
  ])('%s: the same refusal, to the byte', async (name, path, body) => {
    await start();
    expect(await post(path, body)).toEqual(recorded(name));
  });

  it.each([
    ['props', '/props'],
    ['models', '/v1/models'],
    ['models', '/models'],
  ])('%s from %s', async (name, path) => {
    await start();
    expect(shapeOfMessage(await get(path))).toEqual(shapeOfMessage(recorded(name)));
  });

  it('health: ready, and loading for as long as it was told', async () => {
    await start({ loadMs: 60_000 });
    expect(await get('/health')).toEqual(recorded('health-loading'));
    expect(await post('/completion', completion)).toEqual(recorded('health-loading'));
    engine.control({ loading: false });
    expect(await get('/health')).toEqual(recorded('health-ok'));
  });

  it('slots: the one that ran shows its work, the others are blank', async () => {
    await start();
    await post('/completion', completion);
    expect(shapeOfMessage(await get('/slots'))).toEqual(shapeOfMessage(recorded('slots')));
  });

  it('slots and metrics while one is busy', async () => {
    await start();
    for (let run = 0; run < 4; run++) await post('/completion', completion);
    engine.control({ faults: { 'stall-after': 3 } });
    const stalled = post('/completion', completion);
    await engine.until(({ tokens }) => tokens === 4 * 16 + 3);

    const slots = await get('/slots');
    expect(shapeOfMessage(slots)).toEqual(shapeOfMessage(recorded('slots-busy')));
    expect((JSON.parse(slots.body) as { is_processing: boolean }[]).map(slot => slot.is_processing)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    const metrics = await get('/metrics');
    const real = recorded('metrics-busy');
    expect(metrics.headers['content-type']).toBe(real.headers['content-type']);
    expect(namesIn(metrics.body)).toEqual(namesIn(real.body));
    expect(metrics.body).toContain('\nllamacpp:requests_processing 1\n');
    expect(metrics.body).toContain('\nllamacpp:tokens_predicted_total 67\n');

    engine.control({ faults: {} });
    expect((await stalled).complete).toBe(true);
  });

  it('a killed stream: the same frames, and a body that never ends', async () => {
    await start({ faults: { 'kill-after': 5 } });
    expect(shapeOfMessage(await post('/completion', completion))).toEqual(
      shapeOfMessage(recorded('completion-stream-killed')),
    );
  });
});

describe('a server with aliases and a key answers as the recorded one', () => {
  const bearer = (key: string) =>
    rawRequest(engine.url, `GET /v1/models HTTP/1.1\r\nHost: engine\r\nAuthorization: Bearer ${key}\r\n\r\n`);

  it('lists its aliases, and the file it was started with', async () => {
    await start({ model: 'prod', aliases: ['stable'], modelPath: '/models/tiny-a.gguf' });
    expect(shapeOfMessage(await get('/v1/models'))).toEqual(shapeOfMessage(recorded('aliases-models')));
    expect((await get('/v1/models')).body).toContain('"aliases":["prod","stable"]');
    expect((await get('/props')).body).toContain(
      '"model_alias":"prod","model_ftype":"all F32","model_path":"/models/tiny-a.gguf"',
    );
  });

  it('lets nobody in without the key but to its health', async () => {
    await start({ apiKey: 'secret' });
    expect(await get('/props')).toEqual(recorded('key-missing'));
    expect(await post('/completion', completion)).toEqual(recorded('key-missing'));
    expect((await bearer('wrong')).status).toBe(401);
    expect((await bearer('secret')).status).toBe(200);
    expect(await get('/health')).toEqual(recorded('health-ok'));
  });
});

describe('a router answers as the recorded one', () => {
  const models = () => get('/models').then(shapeOfMessage);

  it('lists, loads and unloads its models', async () => {
    await start({ routerModels: ['tiny-a', 'tiny-b'], loadMs: 60_000 });
    expect(await get('/health')).toEqual(recorded('router-health'));
    expect(shapeOfMessage(await get('/props'))).toEqual(shapeOfMessage(recorded('router-props')));
    expect(await models()).toEqual(shapeOfMessage(recorded('router-models-unloaded')));
    expect(await post('/models/load', { model: 'tiny-x' })).toEqual(recorded('router-load-unknown'));
    expect(await post('/models/load', { model: 'tiny-a' })).toEqual(recorded('router-load'));
    expect(await models()).toEqual(shapeOfMessage(recorded('router-models-loading')));
    expect(await post('/models/load', { model: 'tiny-a' })).toEqual(recorded('router-load-again'));
    expect(await post('/models/unload', { model: 'tiny-a' })).toEqual(recorded('router-unload'));
    expect(await models()).toEqual(shapeOfMessage(recorded('router-models-unloaded')));
  });

  it('loads the model that a request names, and answers with its server’s headers', async () => {
    await start({ routerModels: ['tiny-a', 'tiny-b'], loadMs: 50 });
    const answer = await post('/completion', { ...completion, model: 'tiny-a' });
    expect(shapeOfMessage(answer)).toEqual(shapeOfMessage(recorded('router-completion')));
    expect(answer.body).toContain('"model":"tiny-a"');
    expect(await models()).toEqual(shapeOfMessage(recorded('router-models-loaded')));
    expect(engine.stats().loads).toEqual([{ model: 'tiny-a', action: 'load' }]);
  });

  it('tells of a model whose process dies while it loads, until it comes up', async () => {
    await start({ routerModels: ['broken', 'tiny-a', 'tiny-b'], brokenModels: ['broken'] });
    expect(await post('/completion', { ...completion, model: 'broken' })).toEqual(
      recorded('router-completion-unloadable'),
    );
    const statusIn = (body: string) => {
      const [{ status: { value, exit_code, failed } } = { status: {} }] = (JSON.parse(body) as ModelList).data;
      return { value, exit_code, failed };
    };
    expect(statusIn((await get('/models')).body)).toEqual(statusIn(recorded('router-models-failed').body));
    engine.control({ brokenModels: [] });
    expect((await post('/completion', { ...completion, model: 'broken' })).status).toBe(200);
    expect((await get('/models')).body).not.toContain('"failed"');
  });

  it('refuses what names no model, or none that it knows', async () => {
    await start({ routerModels: ['tiny-a'] });
    expect((await post('/completion', completion)).body).toContain('model name is missing from the request');
    expect((await post('/completion', { ...completion, model: 'tiny-x' })).status).toBe(400);
    expect((await get('/slots')).status).toBe(400);
    expect((await get('/slots?model=tiny-a&autoload=false')).body).toContain('model is not loaded');
    expect((await post('/models/unload', { model: 'tiny-a' })).body).toContain('model is not running');
  });

  it('takes what runs on a model with it when it is unloaded', async () => {
    await start({ routerModels: ['tiny-a'], faults: { 'stall-after': 2 } });
    const cut = post('/completion', { ...completion, model: 'tiny-a' });
    await engine.until(({ tokens }) => tokens === 2);
    await post('/models/unload', { model: 'tiny-a' });
    expect((await cut).complete).toBe(false);
    expect(engine.stats()).toMatchObject({ active: 0, aborted: 1 });
  });
});

interface ModelList {
  readonly data: readonly { readonly status: Readonly<Record<string, unknown>> }[];
}

function namesIn(metrics: string): string[] {
  return metrics.split('\n').map(line => (line.startsWith('#') ? line : (line.split(' ')[0] ?? '')));
}
