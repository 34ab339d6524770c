import OpenAI, {
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
  InternalServerError,
} from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { ValidatingFetch } from '../openai/valid-answers';
import { eventually } from '../support/deadline';
import type { RunningService } from '../support/service';
import { all, allFree, bindEngine, clientOf, startForClients } from './openai-stage';

/** npm's `openai` against the built service, with stand-ins behind that speak vLLM's API. */

const [WRITER, EMBEDDER, SLOTS] = ['writer', 'embedder', 2];
const messages = [{ role: 'user' as const, content: 'Hello' }];
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

let service: RunningService;
let writer: RunningEngine;
let embedder: RunningEngine;
let client: OpenAI;
const looking = new ValidatingFetch();

beforeAll(async () => {
  writer = await startEngine({ wire: 'vllm', model: WRITER, slots: SLOTS, tokensPerSecond: 200 });
  embedder = await startEngine({ wire: 'vllm', model: EMBEDDER, serves: 'embeddings' });
  service = await startForClients({ ORCHD_ADMISSION_CAPACITY: '1' });
  client = clientOf(service, looking);
  await bindEngine(service, WRITER, writer.url, SLOTS);
  await bindEngine(service, EMBEDDER, embedder.url, SLOTS);
});
beforeEach(async () => {
  writer.control({ faults: {} });
  await allFree(service, WRITER, SLOTS);
});
afterAll(async () => {
  expect(await looking.faults()).toEqual([]);
  await service.stop();
  await Promise.all([writer, embedder].map(engine => engine.stop()));
});

const atRest = () => writer.until(({ active, deferred }) => active === 0 && deferred === 0);

describe('chats', () => {
  it('are answered', async () => {
    const { data: chat, request_id: id } = await client.chat.completions
      .create({ model: WRITER, messages, max_tokens: 5 })
      .withResponse();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(chat).toMatchObject({ object: 'chat.completion', model: WRITER, usage: { completion_tokens: 5 } });
    expect(chat.choices[0]).toMatchObject({ finish_reason: 'length', message: { role: 'assistant' } });
    expect(chat.choices[0]?.message.content).not.toBe('');
  });

  it('are streamed, with usage where it is asked for', async () => {
    const options = { stream: true, stream_options: { include_usage: true } } as const;
    const stream = await client.chat.completions.create({ model: WRITER, messages, max_tokens: 5, ...options });
    const chunks = await all(stream);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length');
  });

  it('are put together by its own helper, several choices and logprobs with them', async () => {
    const chat = await client.chat.completions
      .stream({ model: WRITER, messages, max_tokens: 4, n: 2, logprobs: true })
      .finalChatCompletion();
    expect(chat.choices.map(({ index, finish_reason: finish }) => [index, finish])).toEqual([
      [0, 'length'],
      [1, 'length'],
    ]);
    for (const { message, logprobs } of chat.choices) {
      expect(message.content).toBe(logprobs?.content?.map(({ token }) => token).join(''));
      expect(logprobs?.content).toHaveLength(4);
    }
  });

  it('call tools, streamed or not', async () => {
    const wanted = { model: WRITER, messages, tools: [weather], tool_choice: 'required', max_tokens: 200 } as const;
    const streamed = await client.chat.completions.stream({ ...wanted, tools: [weather] }).finalChatCompletion();
    const whole = await client.chat.completions.create({ ...wanted, tools: [weather] });
    for (const { choices } of [streamed, whole]) {
      const call = choices[0]?.message.tool_calls?.[0];
      expect(choices[0]?.finish_reason).toBe('tool_calls');
      expect(call?.type === 'function' && call.function.name).toBe('weather');
      expect(() => JSON.parse(call?.type === 'function' ? call.function.arguments : '') as unknown).not.toThrow();
    }
    expect(whole.choices[0]?.message.content).toBeNull();
  });

  it.each([true, false])('end with their client (stream: %s)', async stream => {
    const abort = new AbortController();
    const asked = client.chat.completions
      .create({ model: WRITER, messages, max_tokens: 4000, stream }, { signal: abort.signal })
      .then(async answer => {
        if (Symbol.asyncIterator in answer) await all(answer);
      });
    const refused = expect(asked).rejects.toThrow();
    await writer.until(({ active }) => active === 1);
    abort.abort();
    // A stream that was begun ends without an error when its client aborts it.
    await refused.catch(() => undefined);
    await atRest();
  });

  it('tell of an engine that is lost in the middle', async () => {
    writer.control({ faults: { 'kill-after': 2 } });
    const stream = await client.chat.completions.create({ model: WRITER, messages, max_tokens: 50, stream: true });
    await expect(all(stream)).rejects.toThrow('The engine closed the connection');
  });
});

describe('errors', () => {
  const ask = (more: object = {}) =>
    client.chat.completions.create({ model: WRITER, messages, max_tokens: 2, ...more });

  it('have their classes', async () => {
    await expect(ask({ model: 'nobody' })).rejects.toThrow(NotFoundError);
    await expect(ask({ messages: [] })).rejects.toThrow(BadRequestError);
    const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toThrow(AuthenticationError);
    writer.control({ faults: { html: Infinity } });
    await expect(ask()).rejects.toThrow(InternalServerError);
  });

  it('tell when a full queue has room, and are retried by then', async () => {
    const busy = new AbortController();
    const hold = () =>
      client.chat.completions.create({ model: WRITER, messages, max_tokens: 4000 }, { signal: busy.signal });
    const held: Promise<unknown>[] = [];
    for (let taken = 1; taken <= SLOTS; taken++) {
      held.push(hold().catch(() => undefined));
      await writer.until(({ active }) => active === taken);
    }
    held.push(hold().catch(() => undefined));
    await eventually(
      async () => (await service.request('GET', '/v2/tasks?state=queued')).json<{ items: unknown[] }>(),
      ({ items }) => items.length === 1,
    );
    const refusal: unknown = await ask().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RateLimitError);
    expect((refusal as RateLimitError).headers?.get('retry-after')).toMatch(/^[1-9]\d*$/);
    busy.abort();
    await Promise.all(held);
    const patient = new OpenAI({ baseURL: client.baseURL, apiKey: service.apiKey, maxRetries: 5 });
    const chat = await patient.chat.completions.create({ model: WRITER, messages, max_tokens: 2 });
    expect(chat.usage?.completion_tokens).toBe(2);
    await atRest();
  });
});

describe('the other routes', () => {
  it('list models and look them up', async () => {
    const models = await all(client.models.list());
    expect(models.map(({ id }) => id)).toEqual([EMBEDDER, WRITER]);
    expect(await client.models.retrieve(WRITER)).toMatchObject({ id: WRITER, object: 'model' });
  });

  it('complete prompts', async () => {
    const { choices } = await client.completions.create({ model: WRITER, prompt: ['a', 'b'], max_tokens: 3 });
    expect(choices.map(({ index, finish_reason: finish }) => [index, finish])).toEqual([
      [0, 'length'],
      [1, 'length'],
    ]);
    const stream = await client.completions.create({ model: WRITER, prompt: 'a', max_tokens: 3, stream: true });
    const chunks = await all(stream);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
  });

  it('embed texts, and the client reads the same from numbers and from base64', async () => {
    const input = ['a', 'b'];
    // Without a format it asks for base64 by itself.
    const [asItLikes, numbers] = await Promise.all([
      client.embeddings.create({ model: EMBEDDER, input }),
      client.embeddings.create({ model: EMBEDDER, input, encoding_format: 'float' }),
    ]);
    expect(asItLikes.data).toHaveLength(2);
    for (const [at, { embedding }] of asItLikes.data.entries()) {
      const other = numbers.data[at]?.embedding ?? [];
      expect(embedding.length).toBe(other.length);
      for (const [n, value] of embedding.entries()) expect(value).toBeCloseTo(other[n] ?? NaN, 5);
    }
  });
});
