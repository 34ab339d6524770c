import { afterEach, describe, expect, it } from 'vitest';
import { embedding, nearness } from './embedding';
import { startEngine, type RunningEngine } from './engine';
import { ask } from './engine-client';
import type { EngineSettings } from './engine-options';
import { recordedBody, recordingOf, shapeOfMessage, shapeOfObject } from './recordings';

let engine: RunningEngine | undefined;

afterEach(async () => {
  await engine?.stop();
  engine = undefined;
});

async function start(options: Partial<EngineSettings>): Promise<string> {
  engine = await startEngine(options);
  return engine.url;
}

async function compare(
  name: string,
  recordings: string,
  path: string,
  options: Partial<EngineSettings>,
  withHeaders = true,
) {
  const { body, answer } = recordingOf(recordings, name);
  const made = await ask(await start(options), 'POST', path, body);
  const { headers, ...shape } = shapeOfMessage(made);
  const { headers: real, ...recorded } = shapeOfMessage(answer);
  expect(oneNumber(shape)).toEqual(oneNumber(recorded));
  if (withHeaders) expect(headers).toEqual(real);
}

/** Vectors and lists of tokens differ in length. */
function oneNumber(shape: object): string {
  return JSON.stringify(shape).replaceAll(/\[(\\"(number|string)\\",)+\\"\2\\"\]/g, '[\\"$2\\"]');
}

describe('embeddings, as each engine words them', () => {
  const vllm = { wire: 'vllm', model: 'tiny-embed', serves: 'embeddings', ctxTokens: 512 } as const;
  const llamacpp = { model: 'embed', serves: 'embeddings', ctxTokens: 512 } as const;
  const ollama = { wire: 'ollama', routerModels: ['embed', 'tiny'], serves: 'embeddings' } as const;

  it.each(['pooling-embeddings', 'pooling-embeddings-base64', 'pooling-embeddings-list'])('vllm: %s', async name => {
    await compare(name, 'vllm', '/v1/embeddings', vllm);
  });

  it.each(['embeddings-float', 'embeddings-base64', 'embeddings-several'])('llamacpp: %s', async name => {
    await compare(name, 'llamacpp', '/v1/embeddings', llamacpp);
  });

  it('llamacpp: embeddings-native', async () => {
    await compare('embeddings-native', 'llamacpp', '/embedding', llamacpp);
  });

  it.each([
    ['embed', '/api/embed'],
    ['embed-batch', '/api/embed'],
    ['embeddings', '/api/embeddings'],
    ['openai-embeddings', '/v1/embeddings'],
    ['openai-embeddings-base64', '/v1/embeddings'],
  ])('ollama: %s', async (name, path) => {
    await compare(name, 'ollama', path, ollama);
  });

  it('openai: base64 of little-endian floats', async () => {
    const url = await start({ wire: 'openai', model: 'text-embedding-3-small' });
    const made = await ask(url, 'POST', '/v1/embeddings', recordedBody('openai', 'embeddings-base64.request.json'));
    expect(shapeOfObject(made.body)).toEqual(shapeOfObject(recordedBody('openai', 'embeddings-base64.body')));
    const floats = await ask(url, 'POST', '/v1/embeddings', {
      model: 'text-embedding-3-small',
      input: 'a b',
      dimensions: 4,
    });
    const coded = await ask(url, 'POST', '/v1/embeddings', {
      ...{ model: 'text-embedding-3-small', input: 'a b', dimensions: 4, encoding_format: 'base64' },
    });
    const [one, other] = [floats, coded].map(
      ({ body }) => (JSON.parse(body) as { data: [{ embedding: unknown }] }).data[0].embedding,
    );
    const bytes = Buffer.from(String(other), 'base64');
    expect([0, 4, 8, 12].map(at => bytes.readFloatLE(at))).toEqual(one);
  });

  it('sglang: in OpenAI’s form', async () => {
    const url = await start({ wire: 'sglang', serves: 'embeddings' });
    const { body } = await ask(url, 'POST', '/v1/embeddings', { model: 'x', input: ['a', 'b'] });
    expect(JSON.parse(body)).toMatchObject({
      object: 'list',
      data: [{ index: 0 }, { index: 1 }],
      usage: { prompt_tokens: 2 },
    });
  });

  it.each([
    ['embeddings-unsupported', 'vllm', '/v1/embeddings', { wire: 'vllm', model: 'tiny' }],
    ['pooling-chat-unsupported', 'vllm', '/v1/chat/completions', vllm],
    ['pooling-embeddings-empty', 'vllm', '/v1/embeddings', vllm],
    ['pooling-embeddings-empty-list', 'vllm', '/v1/embeddings', vllm],
    ['embeddings-no-input', 'llamacpp', '/v1/embeddings', llamacpp],
    ['embeddings-empty-list', 'llamacpp', '/v1/embeddings', llamacpp],
    ['embeddings-encoding-bad', 'llamacpp', '/v1/embeddings', llamacpp],
    ['embeddings-server-chat', 'llamacpp', '/v1/chat/completions', llamacpp],
    ['embed-unknown', 'ollama', '/api/embed', ollama],
    ['embed-on-completion-model', 'ollama', '/api/embed', { wire: 'ollama', model: 'tiny' }],
  ] as const)('%s of %s: the same refusal', async (name, recordings, path, options) => {
    const { body, answer } = recordingOf(recordings, name);
    const made = await ask(await start(options), 'POST', path, body);
    expect([made.status, made.body]).toEqual([answer.status, answer.body]);
  });

  it('too long an input of llama.cpp is its own failure', async () => {
    const { body, answer } = recordingOf('llamacpp', 'embeddings-too-long');
    const made = await ask(await start(llamacpp), 'POST', '/v1/embeddings', body);
    expect([made.status, made.body.replaceAll(/\d+/g, '0')]).toEqual([500, answer.body.replaceAll(/\d+/g, '0')]);
  });

  it('take a slot, and give it back when the client goes', async () => {
    const url = await start({ ...llamacpp, slots: 1, faults: { 'stall-prefill': 1 } });
    const client = new AbortController();
    const gone = fetch(`${url}/v1/embeddings`, { method: 'POST', body: '{"input":"a"}', signal: client.signal });
    const refused = expect(gone).rejects.toThrow();
    await engine?.until(({ active }) => active === 1);
    client.abort();
    await refused;
    await engine?.until(({ active, aborted }) => active === 0 && aborted === 1);
  });
});

describe('the order of documents', () => {
  const rank = { model: 'rank', serves: 'rerank' } as const;

  it.each([
    ['rerank', '/v1/rerank'],
    ['rerank-top-n', '/v1/rerank'],
    ['rerank-tei', '/rerank'],
  ])('llamacpp: %s', async (name, path) => {
    await compare(name, 'llamacpp', path, rank);
  });

  it.each([
    ['pooling-rerank', '/rerank'],
    ['pooling-rerank-v1-top-n', '/v1/rerank'],
    ['pooling-score', '/score'],
  ])('vllm: %s', async (name, path) => {
    await compare(name, 'vllm', path, { wire: 'vllm', model: 'tiny-embed', serves: 'embeddings' });
  });

  it.each(['rerank-no-query', 'rerank-no-documents'])('llamacpp: %s', async name => {
    const { body, answer } = recordingOf('llamacpp', name);
    expect(await ask(await start(rank), 'POST', '/v1/rerank', body)).toEqual(answer);
  });

  it('puts first what shares words with the query', async () => {
    expect(nearness('red rose', 'a red brick')).toBeGreaterThan(nearness('red rose', 'the blue sea'));
    expect(Math.hypot(...embedding('red rose'))).toBeCloseTo(1, 5);
    const body = { model: 'm', query: 'red rose', documents: ['the blue sea', { text: 'a red rose' }] };
    for (const options of [
      { wire: 'openai', model: 'm' },
      { wire: 'sglang', model: 'm', serves: 'rerank' },
    ] as const) {
      const made = await ask(await start(options), 'POST', '/v1/rerank', body);
      const order = JSON.parse(made.body) as { results?: { index: number }[] };
      expect((order.results ?? (order as unknown as { index: number }[])).map(({ index }) => index)).toEqual([1, 0]);
      await engine?.stop();
    }
  });
});

describe('tokens', () => {
  it.each(['tokenize', 'tokenize-strs', 'tokenize-chat', 'detokenize'])('vllm: %s', async name => {
    const options = { wire: 'vllm', model: 'tiny', ctxTokens: 512 } as const;
    await compare(name, 'vllm', name === 'detokenize' ? '/detokenize' : '/tokenize', options);
  });

  it.each([
    ['apply-template', '/apply-template'],
    ['detokenize', '/detokenize'],
    ['chat-input-tokens', '/v1/chat/completions/input_tokens'],
  ])('llamacpp: %s', async (name, path) => {
    await compare(name, 'llamacpp', path, {});
  });

  it('what was made into tokens can be read back', async () => {
    const url = await start({ wire: 'vllm', model: 'tiny' });
    const text = 'the river, café 流れ';
    const strings = { model: 'tiny', prompt: text, return_token_strs: true };
    const { tokens } = JSON.parse((await ask(url, 'POST', '/tokenize', strings)).body) as { tokens: number[] };
    expect((await ask(url, 'POST', '/detokenize', { tokens })).body).toBe(JSON.stringify({ prompt: text }));
  });

  it('llamacpp: pieces beside the ids', async () => {
    const { body, answer } = recordingOf('llamacpp', 'tokenize-pieces');
    const made = await ask(await start({}), 'POST', '/tokenize', body);
    const members = (text: string) => Object.keys((JSON.parse(text) as { tokens: [object] }).tokens[0]);
    expect(members(made.body)).toEqual(members(answer.body));
  });
});
