import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../../engine';
import { ask } from '../../engine-client';
import type { EngineSettings } from '../../engine-options';
import { recordingOf, shapeOfMessage } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  engine = await startEngine({ wire: 'sglang', model: 'qwen-test', tokensPerSecond: 0, ...options });
}

function pathOf(name: string): string {
  if (name.startsWith('openai-chat')) return '/v1/chat/completions';
  return name.startsWith('openai-completions') ? '/v1/completions' : '/generate';
}

function send(name: string, change: object = {}) {
  const { body = '' } = recordingOf('sglang', name);
  const asked = Object.keys(change).length === 0 ? body : { ...(JSON.parse(body) as object), ...change };
  return ask(engine.url, 'POST', pathOf(name), asked);
}

const real = (name: string) => recordingOf('sglang', name).answer;

describe('the stand-in of SGLang answers as its source says', () => {
  it.each([
    ...['generate-plain', 'generate-stream', 'openai-chat-plain', 'openai-chat-stream', 'openai-completions-stream'],
  ])('%s: the same headers, frames and members', async name => {
    await start();
    expect(bare(await send(name))).toEqual(bare(real(name)));
  });

  it('openai-chat-stream-usage: a last chunk of no choice', async () => {
    await start();
    const name = 'openai-chat-stream-usage';
    const shapes = (message: Awaited<ReturnType<typeof send>>) =>
      shapeOfMessage({ ...message, chunks: message.chunks?.slice(-2) ?? [] });
    expect(shapes(await send(name)).body).toEqual(shapes(real(name)).body);
  });

  it('a thought comes as reasoning_content, null beside text', async () => {
    await start({ reasoningTokens: 2 });
    const { body } = await send('openai-chat-stream-reasoning', { max_tokens: undefined });
    expect(bodyWithoutStop(body)).toEqual(bodyWithoutStop(real('openai-chat-stream-reasoning').body));
  });

  it('a call opens with its name, its pieces have neither id nor name', async () => {
    await start();
    const { body } = await send('openai-chat-stream-tool', { max_tokens: 60 });
    expect(bodyWithoutStop(body)).toEqual(bodyWithoutStop(real('openai-chat-stream-tool').body));
  });

  it('natively everything so far, or pieces, and nothing tells which', async () => {
    await start({ incremental: true });
    const pieces = (await send('generate-stream-incremental')).chunks?.slice(0, -1) ?? [];
    const texts = pieces.map(chunk => JSON.parse(chunk.slice(6)) as { text: string; output_ids: number[] });
    expect(texts.map(({ output_ids }) => output_ids.length)).toEqual([1, 1, 1, 1]);
    await engine.stop();
    await start();
    const all = (await send('generate-stream')).chunks?.slice(0, -1) ?? [];
    const so = all.map(chunk => JSON.parse(chunk.slice(6)) as { text: string; output_ids: number[] });
    expect(so.map(({ output_ids }) => output_ids.length)).toEqual([1, 2, 3, 4]);
    expect(so.at(-1)?.text).toBe(texts.map(({ text }) => text).join(''));
  });

  it.each([
    ['models', '/v1/models'],
    ['model-unknown', '/v1/models/nosuch'],
    ['health-ok', '/health'],
  ])('%s from %s', async (name, path) => {
    await start();
    expect(shapeOfMessage(await ask(engine.url, 'GET', path))).toEqual(shapeOfMessage(real(name)));
  });

  it('tells its load without a flag', async () => {
    await start({ slots: 2, faults: { 'stall-after': 1 } });
    const running = [1, 2, 3].map(() => send('generate-plain'));
    await engine.until(({ active, deferred }) => active === 2 && deferred === 1);
    const { loads } = JSON.parse((await ask(engine.url, 'GET', '/v1/loads?include=core')).body) as { loads: [object] };
    const recorded = JSON.parse(real('loads').body) as { loads: [object] };
    expect(Object.keys(recorded.loads[0])).toEqual(expect.arrayContaining(Object.keys(loads[0])));
    expect(loads[0]).toMatchObject({ num_running_reqs: 2, num_waiting_reqs: 1, max_running_requests: 2 });
    const { body } = await ask(engine.url, 'GET', '/metrics');
    expect(body).toMatch(/^sglang:num_queue_reqs\{.*\} 1\.0$/m);
    engine.control({ faults: {} });
    await Promise.all(running);
  });

  it('is starting: 503 from its health; wants its key for all else', async () => {
    await start({ loadMs: 60_000, apiKey: 'k' });
    expect(shapeOfMessage(await ask(engine.url, 'GET', '/health'))).toEqual(shapeOfMessage(real('health-starting')));
    expect(shapeOfMessage(await ask(engine.url, 'GET', '/v1/models'))).toEqual(shapeOfMessage(real('unauthorized')));
  });
});

describe('what SGLang refuses', () => {
  it.each([
    'generate-queue-full',
    'generate-stream-queue-full',
    'openai-chat-queue-full',
    'openai-chat-stream-queue-full',
  ])('%s: plain a 503, in a stream a 200', async name => {
    await start({ maxRequests: 1, faults: { 'stall-after': 1 } });
    const first = send('generate-plain');
    await engine.until(({ active }) => active === 1);
    expect(bare(await send(name))).toEqual(bare(real(name)));
    engine.control({ faults: {} });
    await first;
  });

  it.each(['generate-too-long', 'generate-stream-too-long', 'openai-chat-stream-too-long'])('%s', async name => {
    await start({ ctxTokens: 4 });
    expect(bare(await send(name))).toEqual(bare(real(name)));
  });

  it('openai-chat-empty-messages', async () => {
    await start();
    expect(bare(await send('openai-chat-empty-messages'))).toEqual(bare(real('openai-chat-empty-messages')));
  });

  it('openai-chat-stream-failed-middle: an error event of another hand, then [DONE]', async () => {
    await start({ faults: { 'error-after': 1 } });
    const made = await send('openai-chat-stream-failed-middle');
    expect(made.chunks?.slice(-2)).toEqual(real('openai-chat-stream-failed-middle').chunks?.slice(-2));
  });
});

describe('an abort by route', () => {
  const abort = (rid: string) => ask(engine.url, 'POST', '/abort_request', { rid });

  it.each(['generate-stream-aborted', 'openai-chat-stream-aborted'])('%s: ends what runs', async name => {
    await start({ faults: { 'stall-after': name.startsWith('generate') ? 2 : 1 } });
    const stream = send(name);
    await engine.until(({ tokens }) => tokens >= 1);
    expect(bare(await abort('6f1c2b7e'))).toEqual(bare(real('abort-request')));
    expect(bare(await stream)).toEqual(bare(real(name)));
    expect(engine.stats()).toMatchObject({ active: 0, aborted: 1 });
  });

  it('generate-stream-aborted-waiting: ends what waits', async () => {
    await start({ slots: 1, faults: { 'stall-after': 1 } });
    const first = send('generate-plain');
    await engine.until(({ active }) => active === 1);
    const stream = send('generate-stream-aborted-waiting');
    await engine.until(({ deferred }) => deferred === 1);
    await abort('6f1c2b7e8d6f4e0a9b1f3c5d7e9a0b1c');
    expect(bare(await stream)).toEqual(bare(real('generate-stream-aborted-waiting')));
    engine.control({ faults: {} });
    await first;
  });

  it('an unknown id is fine, one in use is not', async () => {
    await start({ faults: { 'stall-after': 1 } });
    expect((await abort('nobody')).status).toBe(200);
    const first = send('generate-stream-aborted');
    await engine.until(({ active }) => active === 1);
    expect((await send('generate-stream-aborted')).status).toBe(400);
    engine.control({ faults: {} });
    await first;
  });
});

/** The shape, without what is a matter of the text: ids and stops that may be null. */
function bare(message: ReturnType<typeof recordingOf>['answer']) {
  return { ...shapeOfMessage(message), body: bodyWithoutStop(message.chunks?.join('') ?? message.body) };
}

function bodyWithoutStop(body: string): unknown {
  const shapes = body
    .split('\n\n')
    .filter(Boolean)
    .map(event => {
      const json = event.replace(/^data: /, '');
      return json.startsWith('{') ? JSON.stringify(members(JSON.parse(json))) : json;
    });
  return shapes.filter((shape, at) => shape !== shapes[at - 1]);
}

function members(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > 0 && typeof value[0] === 'number' ? 'numbers' : value.map(members);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.entries(value).map(([name, member]) => (name === 'matched_stop' ? name : [name, members(member)]));
}
