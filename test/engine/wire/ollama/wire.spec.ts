import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../../engine';
import { ask } from '../../engine-client';
import type { EngineSettings } from '../../engine-options';
import { recordingOf, shapeOfMessage } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  const models = ['tiny', 'tools', 'think', 'slow'];
  engine = await startEngine({ wire: 'ollama', routerModels: models, slots: 1, tokensPerSecond: 0, ...options });
}

const chat = { model: 'tiny', messages: [{ role: 'user', content: 'hi' }], options: { num_predict: 6 } };

function pathOf(name: string): string {
  if (name.startsWith('openai-completions')) return '/v1/completions';
  if (name.startsWith('openai')) return '/v1/chat/completions';
  return name.startsWith('chat') ? '/api/chat' : '/api/generate';
}

function send(name: string, change: object = {}) {
  const { body = '' } = recordingOf('ollama', name);
  const asked = Object.keys(change).length === 0 ? body : { ...(JSON.parse(body) as object), ...change };
  return ask(engine.url, 'POST', pathOf(name), asked);
}

describe('the stand-in of Ollama answers as the recorded server', () => {
  it.each([
    ...['generate-stream', 'generate-plain', 'chat-stream', 'chat-plain', 'chat-tools-stream', 'chat-tools-plain'],
    ...['generate-logprobs-stream', 'chat-format-json', 'load-empty-prompt', 'chat-load', 'unload', 'chat-unload'],
    ...['openai-chat-plain', 'openai-chat-stream', 'openai-chat-stream-usage', 'openai-chat-tools-stream'],
    ...['openai-chat-tools-plain', 'openai-completions-plain', 'openai-completions-stream', 'openai-chat-logprobs'],
  ])('%s: the same headers, frames and members', async name => {
    await start();
    expect(shapeOfMessage(await send(name))).toEqual(shapeOfMessage(recordingOf('ollama', name).answer));
  });

  it.each(['chat-think-stream', 'chat-think-plain', 'openai-chat-think-stream'])(
    '%s: a model that thinks',
    async name => {
      await start({ reasoningTokens: 5 });
      expect(shapeOfMessage(await send(name))).toEqual(shapeOfMessage(recordingOf('ollama', name).answer));
    },
  );

  it.each([
    ...['chat-unknown-model', 'generate-unknown-model', 'generate-missing-model', 'chat-missing-model'],
    ...['generate-bad-json', 'generate-empty-body', 'options-bad-type', 'options-bad-num-predict', 'chat-format-bad'],
    ...['chat-think-unsupported', 'keep-alive-bad', 'openai-chat-bad-json', 'openai-chat-empty-messages'],
    'openai-chat-unknown-model',
  ])('%s: the same refusal', async name => {
    await start();
    const [answer, { status, body }] = [await send(name), recordingOf('ollama', name).answer];
    expect({ status: answer.status, body: answer.body.trimEnd() }).toEqual({ status, body: body.trimEnd() });
  });

  it.each([
    ['version', '/api/version'],
    ['root', '/'],
    ['ps-empty', '/api/ps'],
    ['not-found', '/nope'],
    ['method-not-allowed', '/api/chat'],
    ['openai-model', '/v1/models/tiny'],
    ['openai-model-unknown', '/v1/models/nope'],
  ])('%s from %s', async (name, path) => {
    await start();
    expect(shapeOfMessage(await ask(engine.url, 'GET', path))).toEqual(
      shapeOfMessage(recordingOf('ollama', name).answer),
    );
  });

  it('a prompt that is too long is cut without a word, unless that is forbidden', async () => {
    await start({ ctxTokens: 256 });
    const name = 'chat-too-long-no-truncate';
    for (const form of [name, `${name}-stream`]) {
      const [answer, recorded] = [await send(form), recordingOf('ollama', form).answer];
      expect([answer.status, answer.headers['content-type']]).toEqual([400, recorded.headers['content-type']]);
      expect(answer.body.replaceAll(/\d+/g, '0')).toEqual(recorded.body.replaceAll(/\d+/g, '0'));
    }
    const { status, body } = await send(name, { truncate: true });
    expect([status, (JSON.parse(body) as { prompt_eval_count: number }).prompt_eval_count]).toEqual([200, 128]);
  });
});

describe('models of Ollama', () => {
  const running = async () =>
    (JSON.parse((await ask(engine.url, 'GET', '/api/ps')).body) as { models: { name: string }[] }).models.map(
      ({ name }) => name,
    );

  it('are listed with what they can, loaded by the first request, unloaded when their time is over', async () => {
    await start();
    const { body } = await ask(engine.url, 'GET', '/api/tags');
    const shapes = (text: string) =>
      new Set((JSON.parse(text) as { models: object[] }).models.map(each => Object.keys(each).join()));
    expect(shapes(body)).toEqual(shapes(recordingOf('ollama', 'tags').answer.body));
    await ask(engine.url, 'POST', '/api/chat', chat);
    expect(await running()).toEqual(['tiny:latest']);
    expect(shapeOfMessage(await ask(engine.url, 'GET', '/api/ps'))).toEqual(
      shapeOfMessage(recordingOf('ollama', 'ps-loaded').answer),
    );
    await ask(engine.url, 'POST', '/api/chat', { ...chat, keep_alive: 0 });
    expect(await running()).toEqual([]);
    expect(engine.stats().loads.map(({ action }) => action)).toEqual(['load', 'unload']);
  });

  it('keep the time of the last request that told one', async () => {
    await start();
    await ask(engine.url, 'POST', '/api/chat', { ...chat, keep_alive: '20ms' });
    await ask(engine.url, 'POST', '/api/chat', chat);
    await engine.until(({ loads }) => loads.at(-1)?.action === 'unload');
  });

  it('are loaded anew for another context', async () => {
    await start();
    for (const num_ctx of [100, 200, 200])
      await ask(engine.url, 'POST', '/api/chat', { ...chat, options: { num_ctx, num_predict: 1 } });
    expect(engine.stats().loads.filter(({ action }) => action === 'load')).toHaveLength(2);
  });

  it('bound only who waits for a load: 503 at once', async () => {
    await start({ loadMs: 60_000, maxRequests: 1 });
    const waiting = [1, 2].map(() => ask(engine.url, 'POST', '/api/chat', chat).catch(() => undefined));
    await engine.until(({ requests }) => requests.length === 2);
    const full = await ask(engine.url, 'POST', '/api/chat', chat);
    expect([full.status, full.body]).toEqual([503, recordingOf('ollama', 'queue-full').answer.body]);
    const openai = await ask(engine.url, 'POST', '/v1/chat/completions', chat);
    expect([openai.status, openai.body]).toEqual([
      503,
      recordingOf('ollama', 'openai-queue-full').answer.body.trimEnd(),
    ]);
    await engine.stop();
    await Promise.all(waiting);
  });

  it('cannot be loaded where they are broken', async () => {
    await start({ brokenModels: ['tiny'] });
    expect((await ask(engine.url, 'POST', '/api/chat', chat)).status).toBe(500);
    expect(await running()).toEqual([]);
  });
});

describe('a runner of Ollama that dies', () => {
  it.each([
    'generate-runner-killed',
    'chat-runner-killed',
    'openai-chat-runner-killed',
    'openai-completions-runner-killed',
  ])('%s: as it was recorded', async name => {
    await start({ faults: { 'error-after': 3 } });
    expect(shapeOfMessage(await send(name))).toEqual(shapeOfMessage(recordingOf('ollama', name).answer));
  });

  it('plain: a 500', async () => {
    await start({ faults: { 'error-after': 3 } });
    const { status, body } = recordingOf('ollama', 'chat-runner-killed-plain').answer;
    expect(await send('chat-runner-killed-plain')).toMatchObject({ status, body });
  });
});

it('refuses a Host that it does not know, with an empty body', async () => {
  await start();
  const refused = await ask(engine.url, 'GET', '/api/tags', undefined, { Host: 'gateway.example' });
  expect([refused.status, refused.body]).toEqual([403, recordingOf('ollama', 'host-refused').answer.body]);
});

it('old versions: the role on each chunk, the finish with the last content, index 0 for every call', async () => {
  await start({ old: true });
  const { body } = await ask(engine.url, 'POST', '/v1/chat/completions', { ...chat, max_tokens: 3, stream: true });
  const chunks = body.split('\n\n').filter(event => event.startsWith('data: {'));
  expect(chunks).toHaveLength(3);
  expect(chunks.every(chunk => chunk.includes('"role":"assistant"'))).toBe(true);
  expect(chunks.at(-1)).toMatch(/"content":".+"finish_reason":"length"/);
  const tools = ['a', 'b'].map(name => ({ type: 'function', function: { name } }));
  const called = await ask(engine.url, 'POST', '/v1/chat/completions', { ...chat, tools });
  expect(called.body.match(/"index":0,"type":"function"/g)).toHaveLength(2);
});
