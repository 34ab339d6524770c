import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../../engine';
import { ask } from '../../engine-client';
import type { EngineSettings } from '../../engine-options';
import { recordingOf, shapeOfMessage } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  const recorded = { wire: 'vllm', model: 'tiny', modelPath: '/models/tiny', ctxTokens: 512, slots: 2 } as const;
  engine = await startEngine({ ...recorded, tokensPerSecond: 0, ...options });
}

const CHAT = '/v1/chat/completions';
const TEXT = '/v1/completions';
const chat = { model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 6, ignore_eos: true };

/** Sends what was recorded, to the route that it was sent to. */
function send(name: string, path = name.startsWith('completion') ? TEXT : CHAT) {
  const { body } = recordingOf('vllm', name);
  return ask(engine.url, body === undefined ? 'GET' : 'POST', path, body);
}

describe('the stand-in of vLLM answers as the recorded server', () => {
  it.each([
    ...['chat-plain', 'chat-stream', 'chat-stream-usage', 'chat-stream-usage-continuous', 'chat-n2', 'chat-n2-stream'],
    ...['chat-logprobs', 'chat-x-request-id', 'chat-json-schema', 'chat-choice'],
    ...['chat-tool-required-strict', 'chat-tool-required-strict-stream', 'chat-tool-named-strict'],
    ...['chat-tool-named-strict-stream', 'chat-tool-required-two', 'chat-tool-required-two-stream'],
    ...['completion-plain', 'completion-stream', 'completion-stream-usage'],
    ...['completion-echo', 'completion-echo-stream', 'completion-prompt-list', 'completion-prompt-list-stream'],
  ])('%s: the same headers, frames and members', async name => {
    await start();
    expect(shapeOfMessage(await send(name))).toEqual(shapeOfMessage(recordingOf('vllm', name).answer));
  });

  it.each([
    ...['error-unknown-model', 'error-bad-json', 'error-empty-messages', 'error-missing-messages', 'error-empty-body'],
    ...['error-max-tokens-zero', 'error-max-tokens-too-large', 'error-temperature', 'error-temperature-negative'],
    ...['error-top-p', 'error-top-logprobs-30', 'error-n-greedy', 'error-n-zero', 'error-seed', 'error-tools-empty'],
    ...['error-stream-options-without-stream', 'error-image-part', 'chat-tool-choice-no-tools'],
    ...['chat-tool-named-unknown', 'completion-suffix', 'completion-empty-prompt'],
  ])('%s: the same refusal, to the byte', async name => {
    await start();
    const { body } = recordingOf('vllm', name);
    const answer = body === undefined ? await ask(engine.url, 'POST', CHAT, '') : await send(name);
    expect(bare(answer)).toEqual(bare(recordingOf('vllm', name).answer));
  });

  it.each(['error-prompt-too-long', 'error-prompt-too-long-stream'])(
    '%s: before any head, with its status',
    async name => {
      await start();
      const answer = await send(name, name.endsWith('stream') ? CHAT : TEXT);
      expect(bare(answer)).toEqual(bare(recordingOf('vllm', name).answer));
    },
  );

  it.each([
    ['models', '/v1/models'],
    ['version', '/version'],
    ['health', '/health'],
    ['load', '/load'],
    ['not-found', '/v1/nope'],
    ['method-not-allowed', '/v1/chat/completions'],
  ])('%s from %s', async (name, path) => {
    await start();
    expect(shapeOfMessage(await ask(engine.url, 'GET', path))).toEqual(
      shapeOfMessage(recordingOf('vllm', name).answer),
    );
  });

  it('a call that max_tokens cuts: plain it is the raw text, as a stream it has begun', async () => {
    await start();
    const { body, answer } = recordingOf('vllm', 'chat-tool-required-cut');
    const asked = { ...(JSON.parse(body ?? '{}') as object), max_tokens: 3 };
    expect(shapeOfMessage(await ask(engine.url, 'POST', CHAT, asked))).toEqual(shapeOfMessage(answer));
    const stream = await ask(engine.url, 'POST', CHAT, { ...asked, stream: true });
    expect(stream.body).toContain('"finish_reason":"length"');
    expect(stream.body).toContain('"name":"get_weather"');
  });

  it('tells the stop string that ended an answer', async () => {
    await start();
    const { body } = await ask(engine.url, 'POST', TEXT, { prompt: 'Hi', max_tokens: 9, seed: 4 });
    const { text } = (JSON.parse(body) as { choices: [{ text: string }] }).choices[0];
    const stop = text.split(' ')[3];
    const stopped = await ask(engine.url, 'POST', TEXT, { prompt: 'Hi', max_tokens: 9, seed: 4, stop: [stop] });
    expect(stopped.body).toContain(`"finish_reason":"stop","stop_reason":${JSON.stringify(stop)}`);
  });

  it('a model that thinks: `reasoning` before the content, counted', async () => {
    await start({ reasoningTokens: 1 });
    for (const name of ['chat-reasoning', 'chat-reasoning-stream', 'chat-reasoning-cut']) {
      if (name === 'chat-reasoning-cut') {
        await engine.stop();
        await start({ reasoningTokens: 90 });
      }
      const shape = shapeOfMessage(await send(name));
      const { body, status } = shapeOfMessage(recordingOf('vllm', name).answer);
      expect({ name, body: shape.body, status: shape.status }).toEqual({ name, body, status });
    }
  });

  it('lets nobody in under /v1 without the key; health and metrics stay open', async () => {
    await start({ apiKey: 'sk-test' });
    const refused = recordingOf('vllm', 'auth-none').answer;
    expect(bare(await ask(engine.url, 'POST', CHAT, chat))).toEqual(bare(refused));
    expect((await ask(engine.url, 'POST', CHAT, chat, { 'x-api-key': 'sk-test' })).status).toBe(401);
    expect((await ask(engine.url, 'POST', CHAT, chat, { authorization: 'bearer sk-test' })).status).toBe(200);
    expect((await ask(engine.url, 'GET', '/health')).status).toBe(200);
    expect((await ask(engine.url, 'GET', '/metrics')).status).toBe(200);
  });
});

describe('the queue of vLLM', () => {
  it('has no slots to show: gauges tell of running and waiting; a waiting stream has its head already', async () => {
    await start({ faults: { 'stall-after': 1 } });
    const answers = Array.from({ length: 5 }, () => ask(engine.url, 'POST', CHAT, { ...chat, stream: true }));
    await engine.until(({ active, deferred }) => active === 2 && deferred === 3);
    const { body } = await ask(engine.url, 'GET', '/metrics');
    const recorded = readFileSync(resolve(__dirname, '../../../wire/recordings/vllm/metrics-busy.txt'), 'utf8');
    const load = (text: string) => text.split('\n').filter(line => /^vllm:num_requests/.test(line));
    expect(load(body)).toEqual(load(recorded));
    expect(namesIn(body)).toEqual(namesIn(recorded).filter(line => !line.includes('_created')));
    expect((await ask(engine.url, 'GET', '/load')).body).toBe('{"server_load":5}');
    engine.control({ faults: {} });
    expect((await Promise.all(answers)).map(({ complete }) => complete)).toEqual([true, true, true, true, true]);
  });

  it('refuses at once where a bound was set', async () => {
    await start({ maxRequests: 1, faults: { 'stall-after': 1 } });
    const first = ask(engine.url, 'POST', CHAT, chat);
    await engine.until(({ active }) => active === 1);
    for (const name of ['error-queue-full', 'error-queue-full-stream']) {
      expect(bare(await ask(engine.url, 'POST', CHAT, { ...chat, stream: name.endsWith('stream') }))).toEqual(
        bare(recordingOf('vllm', name).answer),
      );
    }
    engine.control({ faults: {} });
    expect((await first).status).toBe(200);
  });
});

describe('an engine of vLLM that dies or stands still', () => {
  it('dies in the middle: an error event, then [DONE] and a proper end; plain a 500', async () => {
    await start({ faults: { 'error-after': 2 } });
    const stream = await ask(engine.url, 'POST', CHAT, { ...chat, stream: true });
    expect(shapeOfMessage(stream)).toEqual(shapeOfMessage(recordingOf('vllm', 'chat-stream-engine-killed').answer));
    expect(stream.chunks?.slice(-2)).toEqual(recordingOf('vllm', 'chat-stream-engine-killed').answer.chunks?.slice(-2));
    expect(bare(await ask(engine.url, 'POST', CHAT, chat))).toEqual(
      bare(recordingOf('vllm', 'chat-plain-engine-killed').answer),
    );
  });

  it('is dead: its health says so, requests fail', async () => {
    await start({ faults: { 'engine-dead': Infinity } });
    expect(bare(await ask(engine.url, 'GET', '/health'))).toEqual(
      bare(recordingOf('vllm', 'health-engine-dead').answer),
    );
    expect((await ask(engine.url, 'POST', CHAT, chat)).status).toBe(500);
  });

  it('stands still: health 200, models, a head and then nothing, until it goes on', async () => {
    await start({ faults: { 'engine-still': Infinity } });
    const stream = ask(engine.url, 'POST', CHAT, { ...chat, stream: true });
    await engine.until(({ active }) => active === 1);
    expect((await ask(engine.url, 'GET', '/health')).status).toBe(200);
    expect((await ask(engine.url, 'GET', '/v1/models')).status).toBe(200);
    expect(engine.stats().tokens).toBe(0);
    engine.control({ faults: {} });
    expect((await stream).complete).toBe(true);
  });
});

/** Without what changes from answer to answer. */
function bare({ status, headerLines, body }: ReturnType<typeof recordingOf>['answer']) {
  return { status, headers: headerLines.filter(([name]) => name !== 'date'), body };
}

function namesIn(metrics: string): string[] {
  return metrics.split('\n').map(line => (line.startsWith('#') ? line : (line.split(' ')[0] ?? '')));
}
