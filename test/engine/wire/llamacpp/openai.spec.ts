import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../../engine';
import { ask } from '../../engine-client';
import type { EngineSettings } from '../../engine-options';
import { recordingOf, shapeOfMessage } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  engine = await startEngine({ model: 'tiny', slots: 2, tokensPerSecond: 0, ctxTokens: 2048, ...options });
}

const CHAT = '/v1/chat/completions';

function pathOf(name: string): string {
  if (name.startsWith('openai-completions')) return '/v1/completions';
  return name.startsWith('completion') ? '/completion' : CHAT;
}

function send(name: string, change: object = {}) {
  const { body = '' } = recordingOf('llamacpp', name);
  const asked = Object.keys(change).length === 0 ? body : { ...(JSON.parse(body) as object), ...change };
  return ask(engine.url, 'POST', pathOf(name), asked);
}

describe('OpenAI’s routes of llama.cpp answer as the recorded server', () => {
  it.each([
    ...[
      'chat-plain',
      'chat-stream',
      'chat-stream-usage',
      'chat-tools-plain',
      'chat-tools-stream',
      'chat-logprobs-plain',
    ],
    ...['chat-logprobs-stream', 'chat-n2-plain', 'chat-timings-per-token', 'chat-json-schema-plain'],
    ...['completion-array-prompts', 'openai-completions-array', 'openai-completions-plain'],
    ...['openai-completions-stream', 'openai-completions-logprobs'],
  ])('%s: the same headers, frames and members', async name => {
    await start();
    expect(shapeOfMessage(await send(name))).toEqual(shapeOfMessage(recordingOf('llamacpp', name).answer));
  });

  it.each(['chat-think-plain', 'chat-think-stream'])('%s: a model that thinks', async name => {
    await start({ reasoningTokens: 4 });
    expect(shapeOfMessage(await send(name))).toEqual(shapeOfMessage(recordingOf('llamacpp', name).answer));
  });

  it('n streams: each choice with its own finish and usage, one [DONE]', async () => {
    await start();
    for (const { chunks = [] } of [await send('chat-n2-stream'), recordingOf('llamacpp', 'chat-n2-stream').answer]) {
      const text = chunks.join('');
      expect(text.match(/"usage":\{/g)).toHaveLength(2);
      expect(text.match(/"finish_reason":"length"/g)).toHaveLength(2);
      expect(text.match(/"role":"assistant"/g)).toHaveLength(2);
      expect(chunks.at(-1)).toBe('data: [DONE]\n\n');
    }
  });

  it('several native prompts stream behind a null, and end each on its own', async () => {
    await start();
    const name = 'completion-array-prompts-stream';
    for (const { chunks = [] } of [await send(name), recordingOf('llamacpp', name).answer]) {
      expect(chunks[0]).toBe('data: null\n\n');
      expect(chunks.filter(chunk => chunk.includes('"stop":true'))).toHaveLength(2);
      expect(chunks.filter(chunk => chunk.startsWith('data: {"index":1,'))).not.toHaveLength(0);
    }
  });

  it('progress of the prompt comes at once, with the role each time', async () => {
    await start();
    const [made = [], real = []] = [
      await send('chat-progress-stream'),
      recordingOf('llamacpp', 'chat-progress-stream').answer,
    ].map(({ chunks = [] }) =>
      chunks
        .filter(chunk => chunk.includes('prompt_progress'))
        .map(chunk => Object.keys(JSON.parse(chunk.slice(6)) as object)),
    );
    expect(made.length).toBeGreaterThan(2);
    expect(made[0]).toEqual(real[0]);
  });

  it('a call that max_tokens cuts has arguments that are no JSON', async () => {
    await start();
    expect(shapeOfMessage(await send('chat-tools-cut-stream', { max_tokens: 3 }))).toEqual(
      shapeOfMessage(recordingOf('llamacpp', 'chat-tools-cut-stream').answer),
    );
    const plain = await send('chat-tools-cut-plain', { max_tokens: 3 });
    expect(shapeOfMessage(plain)).toEqual(shapeOfMessage(recordingOf('llamacpp', 'chat-tools-cut-plain').answer));
    expect(plain.body).toContain('"finish_reason":"length"');
  });

  it('keeps to a grammar that is a choice of texts', async () => {
    await start();
    const { body } = await ask(engine.url, 'POST', CHAT, { messages: [], grammar: 'root ::= "yes" | "no"' });
    expect(body).toMatch(/"content":"(yes|no)"/);
  });

  it.each([
    ...['chat-n3', 'chat-bad-json', 'chat-no-messages', 'chat-messages-string', 'chat-field-max-tokens-string'],
    ...[
      'chat-field-max-tokens-negative',
      'chat-field-n-0',
      'chat-field-temperature-string',
      'chat-field-bool-as-string',
    ],
    ...['chat-top-logprobs-alone', 'chat-response-format-bad', 'chat-tool-choice-bad', 'chat-grammar-and-tools'],
    ...['chat-content-part-bad', 'chat-image', 'chat-tools-bad', 'openai-completions-no-prompt'],
  ])('%s: the same refusal, to the byte', async name => {
    await start();
    expect(await send(name)).toEqual(recordingOf('llamacpp', name).answer);
  });

  it('takes images where its model does', async () => {
    await start({ vision: true });
    expect((await send('chat-image')).status).toBe(200);
  });

  it.each(['chat-error-in-stream', 'completion-error-in-stream'])(
    '%s: an error in the 200, no [DONE], a clean end',
    async name => {
      await start({ faults: { 'error-after': 4 } });
      const [made, real] = [await send(name), recordingOf('llamacpp', name).answer];
      expect(made).toMatchObject({ status: 200, complete: true });
      expect(made.chunks?.at(-1)).toBe(real.chunks?.at(-1));
    },
  );

  it('the same error of a plain answer is a 500', async () => {
    await start({ faults: { 'error-after': 4 } });
    expect(await send('chat-error-plain')).toEqual(recordingOf('llamacpp', 'chat-error-plain').answer);
  });
});
