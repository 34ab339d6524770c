import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompletionClient } from './completion-client';
import { startEngine, type RunningEngine } from './engine';
import { tokenId, tokenize, vocabulary } from './vocabulary';

let engine: RunningEngine;

beforeAll(async () => {
  engine = await startEngine({ tokensPerSecond: 0, ctxTokens: 200 });
});
afterAll(() => engine.stop());

async function complete(body: object): Promise<CompletionClient> {
  const client = new CompletionClient(engine.url, body);
  expect(await client.ended).toBe('complete');
  return client;
}

async function whole<T>(body: object, path = '/completion'): Promise<T> {
  const answer = await fetch(`${engine.url}${path}`, {
    method: 'POST',
    body: JSON.stringify({ prompt: 'Hello', ...body }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as T;
}

describe('tokens', () => {
  it('are the same for the same seed and prompt, and others for another', async () => {
    const text = async (body: object) => (await complete({ n_predict: 30, ...body })).text;
    const first = await text({ seed: 7 });
    expect(await text({ seed: 7 })).toBe(first);
    expect(await text({ seed: 8 })).not.toBe(first);
    expect(await text({ seed: 7, prompt: 'Hello' })).not.toBe(first);
    expect(await text({})).not.toBe(await text({}));
    expect(await text({ temperature: 0 })).toBe(await text({ temperature: 0, seed: 5 }));
  });

  it('are the same streamed and in one answer', async () => {
    const { text } = await complete({ prompt: 'Hello', n_predict: 30, seed: 7 });
    const { content } = await whole<{ content: string }>({ n_predict: 30, seed: 7 });
    expect(content).toBe(text);
  });

  it('come from texts of one to four bytes a character', () => {
    const widths = new Set(vocabulary.flatMap(word => [...word].map(character => Buffer.byteLength(character))));
    expect([...widths].sort()).toEqual([1, 2, 3, 4]);
    expect(new Set(vocabulary).size).toBe(vocabulary.length);
  });

  it('are counted and numbered frame by frame', async () => {
    const { frames } = await complete({ n_predict: 5, seed: 1 });
    expect(frames.map(frame => frame.tokens_predicted)).toEqual([1, 2, 3, 4, 5, 5]);
    expect(frames.at(-1)).toMatchObject({ stop: true, content: '', stop_type: 'limit' });
    for (const { content, tokens } of frames.slice(0, -1)) expect(tokens).toEqual([tokenId(content)]);
  });

  it('end by themselves, at the bound, or at the end of the context', async () => {
    expect((await complete({ n_predict: 0 })).frames).toMatchObject([{ stop: true, tokens_predicted: 0 }]);
    expect((await complete({})).frames.at(-1)).toMatchObject({ stop_type: 'eos', tokens_predicted: 64 });
    expect((await complete({ ignore_eos: true })).frames.at(-1)).toMatchObject({
      stop_type: 'limit',
      tokens_predicted: 198,
    });
    expect((await complete({ n_predict: 1000 })).frames.at(-1)).toMatchObject({
      stop_type: 'limit',
      tokens_predicted: 198,
    });
  });

  it('end at a stop word, which is not shown, however it is cut into tokens', async () => {
    const { text } = await complete({ n_predict: 30, seed: 3 });
    const words = text.slice(1).split(' ');
    const word = `${words[9]?.slice(-1)} ${words[10]}`;
    const stopped = await complete({ n_predict: 30, seed: 3, stop: ['never said', word] });
    expect(stopped.text).toBe(text.slice(0, text.indexOf(word)));
    expect(stopped.frames.at(-1)).toMatchObject({ stop_type: 'word', stopping_word: word });
  });

  it('that only begin like a stop word are shown after all', async () => {
    const { text } = await complete({ n_predict: 30, seed: 3 });
    const beginnings = text
      .slice(1)
      .split(' ')
      .map(word => `${word} but not so`);
    expect((await complete({ n_predict: 30, seed: 3, stop: beginnings })).text).toBe(text);
  });

  it('of a prompt are counted as the tokenizer counts them', async () => {
    const prompt = 'one two  three流れ'.repeat(3);
    const { tokens_evaluated: counted } = await whole<{ tokens_evaluated: number }>({ prompt, n_predict: 1 });
    const { tokens } = await whole<{ tokens: number[] }>({ content: prompt }, '/tokenize');
    expect(counted).toBe(tokens.length);
    expect(tokens).toEqual(tokenize(prompt));
  });
});

describe('pace', () => {
  it('is the one that was asked for, without drift', async () => {
    const paced = await startEngine({ tokensPerSecond: 200, prefillMs: 100 });
    try {
      const tooks: number[] = [];
      // The quickest of several: on a busy machine anything can take long.
      for (let round = 0; round < 10 && !(Math.min(...tooks) < 800); round++) {
        const startMs = performance.now();
        const clients = Array.from(
          { length: 4 },
          (_, seed) => new CompletionClient(paced.url, { n_predict: 101, seed }),
        );
        await Promise.all(clients.map(({ ended }) => ended));
        tooks.push(performance.now() - startMs);
      }
      // 100 ms of prefill and 100 intervals of 5 ms. A timer per token would take a sixth more.
      expect(Math.min(...tooks)).toBeGreaterThanOrEqual(599);
      expect(Math.min(...tooks)).toBeLessThan(800);
    } finally {
      await paced.stop();
    }
  });

  it('changes in the middle of a stream', async () => {
    const paced = await startEngine({ tokensPerSecond: 1 });
    try {
      const client = new CompletionClient(paced.url, { n_predict: 500 });
      await paced.until(({ tokens }) => tokens === 1);
      paced.control({ tokensPerSecond: 0 });
      expect(await client.ended).toBe('complete');
      expect(client.frames.at(-1)?.tokens_predicted).toBe(500);
    } finally {
      await paced.stop();
    }
  });
});
