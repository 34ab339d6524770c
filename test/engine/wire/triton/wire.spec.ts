import { afterEach, describe, expect, it } from 'vitest';
import { CompletionClient } from '../../completion-client';
import { startEngine, type RunningEngine } from '../../engine';
import { ask } from '../../engine-client';
import type { EngineSettings } from '../../engine-options';
import { recordingOf, shapeOfMessage } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  engine = await startEngine({
    wire: 'triton',
    routerModels: ['words', 'broken', 'ready_not'],
    tokensPerSecond: 0,
    ...options,
  });
}

const real = (name: string) => recordingOf('triton', name).answer;

function send(name: string, model = 'words') {
  const route = name.includes('plain') ? 'generate' : 'generate_stream';
  return ask(engine.url, 'POST', `/v2/models/${model}/${route}`, recordingOf('triton', name).body ?? '');
}

const post = (path: string, body: object = {}) => ask(engine.url, 'POST', path, body);

describe('the stand-in of Triton answers as the recorded server', () => {
  it.each([
    'generate-stream',
    'generate-stream-id',
    'generate-plain-decoupled-one',
    'generate-list-input',
    'generate-unknown-field',
  ])('%s: the same headers and frames, no end mark', async name => {
    await start();
    expect(shapeOfMessage(await send(name))).toEqual(shapeOfMessage(real(name)));
  });

  it.each([
    ...['generate-empty-body', 'generate-json-array', 'generate-id-number', 'generate-list-input-two'],
    ...['generate-missing-input-unknown-field', 'generate-stream-null-input', 'generate-unknown-field-list'],
  ])('%s: the same refusal, to the byte', async name => {
    await start();
    expect(await send(name)).toEqual(real(name));
  });

  it.each([
    ['generate-unknown-model', 'nosuch'],
    ['generate-model-failed-to-load', 'broken'],
    ['generate-unknown-version', 'words/versions/7'],
  ])('%s: 404', async (name, model) => {
    await start({ brokenModels: ['broken'] });
    expect(await send(name, model)).toEqual(real(name));
  });

  it.each([
    ['health-live', '/v2/health/live'],
    ['model-ready', '/v2/models/words/ready'],
    ['model-metadata', '/v2/models/words'],
    ['server-metadata', '/v2'],
    ['not-found', '/v1/models'],
    ['generate-get', '/v2/models/words/generate'],
  ])('%s from %s', async (name, path) => {
    await start();
    const shapes = [await ask(engine.url, 'GET', path), real(name)].map(message => {
      const { body, ...rest } = shapeOfMessage(message);
      return { ...rest, body: name === 'server-metadata' ? 'extensions differ' : body };
    });
    expect(shapes[0]).toEqual(shapes[1]);
  });

  it('loads and unloads; the index names what is not loaded', async () => {
    await start();
    expect(await post('/v2/repository/models/ready_not/unload')).toEqual(real('repository-unload'));
    expect(await post('/v2/repository/models/nosuch/unload')).toEqual(real('repository-unload-unknown'));
    expect((await post('/v2/repository/index')).body).toContain('{"name":"ready_not"}');
    expect(await send('generate-unloaded-model', 'ready_not')).toEqual(real('generate-unloaded-model'));
    expect(await ask(engine.url, 'GET', '/v2/models/ready_not/ready')).toEqual(real('model-ready-not'));
    expect(await post('/v2/repository/models/ready_not/load')).toEqual(real('repository-load'));
    expect(await post('/v2/repository/models/nosuch/load')).toEqual(real('repository-load-unknown'));
    expect((await ask(engine.url, 'GET', '/v2/models/ready_not/ready')).status).toBe(200);
  });

  it('ready is one flag for all models', async () => {
    await start({ brokenModels: ['broken'] });
    expect(await ask(engine.url, 'GET', '/v2/health/ready')).toEqual(real('health-ready-with-broken'));
    expect((await ask(engine.url, 'GET', '/v2/models/words/ready')).status).toBe(200);
  });
});

describe('a model of Triton that dies', () => {
  it('in the middle: an event in the 200, and an end like any other', async () => {
    await start({ faults: { 'error-after': 2 } });
    expect(shapeOfMessage(await send('generate-stream-model-process-died'))).toEqual(
      shapeOfMessage(real('generate-stream-model-process-died')),
    );
  });

  it('dead: every request fails with 400, and ready says ready', async () => {
    await start({ faults: { 'engine-dead': Infinity } });
    expect(shapeOfMessage(await send('generate-stream-after-model-process-died'))).toEqual(
      shapeOfMessage(real('generate-stream-after-model-process-died')),
    );
    expect(await ask(engine.url, 'GET', '/v2/models/words/ready')).toEqual(real('model-ready'));
    expect(await ask(engine.url, 'GET', '/v2/health/ready')).toEqual(real('health-ready'));
  });
});

it('a full queue is a 503', async () => {
  await start({ maxRequests: 1, faults: { 'stall-after': 1 } });
  const first = send('generate-stream');
  await engine.until(({ active }) => active === 1);
  expect(await send('generate-queue-full')).toEqual(real('generate-queue-full'));
  engine.control({ faults: {} });
  await first;
});

it('a client that leaves before the first word keeps its place until then', async () => {
  await start({ slots: 1, faults: { 'stall-prefill': 1 } });
  const client = new CompletionClient(engine.url, { text_input: 'hello' }, '/v2/models/words/generate_stream');
  await engine.until(({ active }) => active === 1);
  client.leave();
  const next = send('generate-stream');
  await engine.until(({ active, deferred }) => active === 1 && deferred === 1);
  engine.control({ faults: {} });
  expect((await next).complete).toBe(true);
  await engine.until(({ active }) => active === 0);
});
