import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../../engine';
import { ask } from '../../engine-client';
import type { EngineSettings } from '../../engine-options';
import { recordingOf, shapeOfMessage } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  engine = await startEngine({ wire: 'tgi', model: 'tgi-model', ctxTokens: 4096, tokensPerSecond: 0, ...options });
}

function pathOf(name: string): string {
  if (name.startsWith('openai-chat')) return '/v1/chat/completions';
  if (name.startsWith('openai-completions')) return '/v1/completions';
  return name.startsWith('stream') ? '/generate_stream' : name.includes('root') ? '/' : '/generate';
}

function send(name: string, change: object = {}) {
  const { body = '' } = recordingOf('tgi', name);
  const asked = Object.keys(change).length === 0 ? body : { ...(JSON.parse(body) as object), ...change };
  return ask(engine.url, 'POST', pathOf(name), asked);
}

/** Without the values of headers that tell times and counts. */
function shape(message: ReturnType<typeof recordingOf>['answer']) {
  const { headers, ...rest } = shapeOfMessage(message);
  return { ...rest, headers: headers.map(line => (/^x-(?!accel)/.test(line) ? line.split(':')[0] : line)) };
}

describe('the stand-in of Text Generation Inference answers as its source says', () => {
  it.each([
    ...['generate-plain', 'generate-root-plain', 'stream', 'openai-chat-plain', 'openai-chat-stream'],
    ...['openai-chat-stream-usage', 'openai-completions-stream'],
  ])('%s: the same headers, frames and members', async name => {
    await start();
    expect(shape(await send(name))).toEqual(shape(recordingOf('tgi', name).answer));
  });

  it.each(['generate-details', 'stream-details'])('%s: reason and counts where they are asked for', async name => {
    await start();
    const [made, real] = [await send(name), recordingOf('tgi', name).answer].map(answer =>
      JSON.stringify(shape(answer)),
    );
    // A seed is null where none was drawn.
    expect(made?.replace('[\\"seed\\",\\"number\\"]', '[\\"seed\\",\\"null\\"]')).toBe(real);
  });

  it.each(['stream-eos', 'openai-chat-stream-eos'])('%s: the end token comes as a token of its own', async name => {
    await start();
    const [made, real] = [
      await send(name, { max_tokens: undefined, parameters: { details: true } }),
      recordingOf('tgi', name).answer,
    ].map(({ chunks = [] }) => chunks);
    const end = name === 'stream-eos' ? -1 : -2;
    const bare = (chunk?: string) =>
      chunk?.replace(/"generated_text":".*?","details"/, '"details"').replaceAll(/[\d.]+/g, '0');
    expect(bare(made?.at(end))?.replace('"seed":null', '"seed":0')).toBe(
      bare(real?.at(end))?.replace('"seed":null', '"seed":0'),
    );
  });

  it.each(['openai-chat-tool-plain', 'openai-chat-tool-stream'])('%s: one call, its id in every piece', async name => {
    await start();
    expect(shape(await send(name, { max_tokens: 50 }))).toEqual(shape(recordingOf('tgi', name).answer));
  });

  it.each(['generate-temperature-zero', 'generate-missing-inputs', 'stream-bad-param'])(
    '%s: the same refusal',
    async name => {
      await start();
      const [{ status, body }, real] = [await send(name), recordingOf('tgi', name).answer];
      expect([status, body]).toEqual([real.status, real.body]);
    },
  );

  it('refuses what is no JSON before any route, in plain text', async () => {
    await start();
    const bad = await send('generate-bad-json');
    expect([bad.status, bad.headers['content-type']]).toEqual([400, 'text/plain; charset=utf-8']);
    const untyped = await ask(engine.url, 'POST', '/generate', '{"inputs": "x"}', { 'Content-Type': 'text/plain' });
    const real = recordingOf('tgi', 'generate-no-content-type').answer;
    expect([untyped.status, untyped.body]).toEqual([real.status, real.body]);
    const long = await send('generate-too-long');
    expect(long.body.replace(/Given: \d+/, '')).toBe(
      recordingOf('tgi', 'generate-too-long').answer.body.replace(/Given: \d+/, ''),
    );
  });

  it.each([
    ['info', '/info'],
    ['models', '/v1/models'],
    ['health-ok', '/health'],
    ['not-found', '/nope'],
    ['generate-get', '/generate'],
  ])('%s from %s', async (name, path) => {
    await start();
    expect(shape(await ask(engine.url, 'GET', path))).toEqual(shape(recordingOf('tgi', name).answer));
  });

  it('wants the key for what generates, and says nothing to who has none', async () => {
    await start({ apiKey: 'sk-Test' });
    expect(shape(await send('generate-plain'))).toEqual(shape(recordingOf('tgi', 'generate-unauthorized').answer));
    expect((await ask(engine.url, 'GET', '/info')).status).toBe(200);
    expect(
      (await ask(engine.url, 'POST', '/generate', { inputs: 'x' }, { authorization: 'bearer SK-TEST' })).status,
    ).toBe(200);
  });
});

describe('what TGI hides in a 200', () => {
  it.each(['stream-overloaded', 'openai-chat-stream-overloaded', 'generate-overloaded', 'openai-chat-overloaded'])(
    '%s: too many requests',
    async name => {
      await start({ maxRequests: 1, faults: { 'stall-after': 1 } });
      const first = send('generate-plain');
      await engine.until(({ active }) => active === 1);
      expect(shape(await send(name))).toEqual(shape(recordingOf('tgi', name).answer));
      engine.control({ faults: {} });
      await first;
    },
  );

  it.each([
    ['stream-failed-middle', 2],
    ['openai-chat-stream-failed-middle', 1],
  ] as const)('%s: the model server fails', async (name, tokens) => {
    await start({ faults: { 'error-after': tokens + 1 } });
    const [made, real] = [await send(name), recordingOf('tgi', name).answer];
    expect(shape(made)).toEqual(shape(real));
    expect(made.chunks?.at(-1)).toBe(real.chunks?.at(-1));
  });

  it('plain it is a 424, and its health says so when it is dead', async () => {
    await start({ faults: { 'error-after': 1 } });
    const { status, body } = recordingOf('tgi', 'generate-backend-failed').answer;
    expect(await send('generate-backend-failed')).toMatchObject({ status, body });
    engine.control({ faults: { 'engine-dead': Infinity } });
    expect(shape(await ask(engine.url, 'GET', '/health'))).toEqual(shape(recordingOf('tgi', 'health-down').answer));
  });
});
