import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { framesOf } from '../openai/stream-of';
import { answerFaults } from '../openai/valid-answers';
import type { HttpAnswer } from '../support/http-client';
import { EngineUnderTest, namedEngines } from './engine-under-test';

/*
 * One list of cases over each real engine that is named. What an engine says of itself decides which it has: a server of embeddings has no chats.
 * Texts mean nothing, for the model may be of random weights.
 */

if (!existsSync(resolve(__dirname, '../../dist/main.js')))
  throw new Error('dist/main.js is missing: run `npm run build` first');

const TASKS = 16;
/** Within this an engine has noticed that its client left, a probe of ours in between included. */
const FREED_WITHIN_MS = 5000;
const messages = [{ role: 'user', content: 'Say hello.' }];
const finishes = ['stop', 'length', 'tool_calls'];
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Paris', 'Oslo'] } },
      required: ['city'],
      additionalProperties: false,
    },
  },
};

interface Choice {
  readonly index: number;
  readonly text?: string;
  readonly message?: {
    readonly content: string | null;
    readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: string } }[];
  };
  readonly logprobs?: { readonly content?: readonly unknown[] } | null;
  readonly finish_reason: string;
}

interface Answer {
  readonly model: string;
  readonly choices: readonly Choice[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

interface TaskAnswer {
  readonly state: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly usage: { readonly tokens_in: number; readonly tokens_out: number };
  readonly output: { readonly text: string };
}

interface Vectors {
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] | string }[];
  readonly usage: { readonly prompt_tokens: number };
}

/** The answer, which keeps to the specification. */
function valid<T>(path: string, answer: HttpAnswer): T {
  const contentType = answer.headers['content-type'] ?? '';
  expect(answerFaults(path, { status: answer.status, contentType, text: answer.text }), answer.text).toEqual([]);
  expect(answer.status, answer.text).toBe(200);
  return contentType.includes('json') ? answer.json<T>() : (undefined as T);
}

const engines = namedEngines();
it.runIf(engines.length === 0)('no engine is named', () => undefined);

describe.each(engines.map(named => [`${named.kind} at ${named.url ?? 'a stand-in'}`, named] as const))(
  '%s',
  (_, named) => {
    let engine: EngineUnderTest;

    beforeAll(async () => void (engine = await EngineUnderTest.start(named)));
    afterAll(() => engine?.stop());

    const needs = (context: TestContext, operation: Parameters<EngineUnderTest['can']>[0]): void => {
      if (!engine.can(operation)) context.skip(`it does no ${operation}`);
    };
    const chat = async (body: object): Promise<Answer> => {
      const path = '/v1/chat/completions';
      return valid<Answer>(path, await engine.ask(path, { messages, max_tokens: 8, ...body }));
    };
    /** Null where the engine has refused it by name. */
    const chatUnlessRefused = async (member: string, body: object): Promise<Answer | null> => {
      const answer = await engine.ask('/v1/chat/completions', { messages, max_tokens: 8, ...body });
      if (answer.status === 200) return valid<Answer>('/v1/chat/completions', answer);
      expect(answer.status, answer.text).toBe(400);
      expect(answer.text).toContain(member);
      return null;
    };

    it('shows with its model and its slots', async () => {
      expect(engine.model).not.toBe('');
      expect(await engine.health()).toMatchObject({ ready: true, last_error: null });
      expect((await engine.health()).metrics.slots_total).toBeGreaterThan(0);
    });

    it('completes a prompt, and counts tokens', async context => {
      needs(context, 'completion');
      const task = (await engine.run({ prompt: 'Once upon a time', max_tokens: 12 })).json<TaskAnswer>();
      expect(task).toMatchObject({ state: 'completed' });
      expect(task.usage.tokens_in).toBeGreaterThan(0);
      expect(task.usage.tokens_out).toBeGreaterThan(0);
      expect(task.usage.tokens_out).toBeLessThanOrEqual(12);
      expect(task.output.text).not.toBe('');
    });

    it('gives the same text twice for one seed', async context => {
      needs(context, 'completion');
      const body = { prompt: 'Once upon a time', max_tokens: 16, seed: 42, temperature: 0.8 };
      const [first, second] = [await engine.run(body), await engine.run(body)].map(answer => answer.json<TaskAnswer>());
      expect(first?.output.text).not.toBe('');
      expect(second?.output.text).toBe(first?.output.text);
    });

    it('completes several prompts as one task', async context => {
      needs(context, 'completion');
      const answer = await engine.ask('/v1/completions', { prompt: ['One', 'Two'], max_tokens: 4 });
      if (answer.status === 400) return expect(answer.text).toContain('prompt');
      const { choices } = valid<Answer>('/v1/completions', answer);
      expect(choices.map(({ index }) => index)).toEqual([0, 1]);
    });

    it('answers a chat', async context => {
      needs(context, 'chat');
      const { choices, usage, model } = await chat({});
      expect(model).toBe(engine.model);
      expect(choices).toHaveLength(1);
      expect(finishes).toContain(choices[0]?.finish_reason);
      expect(usage.prompt_tokens).toBeGreaterThan(0);
      expect(usage.completion_tokens).toBeGreaterThan(0);
    });

    it('streams a chat, with usage and the sentinel', async context => {
      needs(context, 'chat');
      const path = '/v1/chat/completions';
      const stream = { stream: true, stream_options: { include_usage: true } };
      const answer = await engine.ask(path, { messages, max_tokens: 8, ...stream });
      valid(path, answer);
      const frames = framesOf(answer.text);
      expect(frames.at(-1)).toBe('[DONE]');
      const chunks = frames.slice(0, -1) as readonly {
        usage: unknown;
        choices: readonly { finish_reason: string | null }[];
      }[];
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) as number } });
      expect(chunks.flatMap(({ choices }) => choices.map(each => each.finish_reason)).filter(Boolean)).toHaveLength(1);
    });

    it('has several choices, or refuses them by name', async context => {
      needs(context, 'chat');
      const answer = await chatUnlessRefused('n', { n: 2, temperature: 1 });
      if (answer) expect(answer.choices.map(({ index }) => index)).toEqual([0, 1]);
    });

    it('has logprobs, or refuses them by name', async context => {
      needs(context, 'chat');
      const answer = await chatUnlessRefused('logprobs', { logprobs: true, top_logprobs: 2, max_tokens: 4 });
      const told = answer?.choices[0]?.logprobs?.content?.length;
      // Tokens that begin or end a thought have no text, and are not told.
      if (answer) expect([told !== 0, (told ?? 0) <= answer.usage.completion_tokens]).toEqual([true, true]);
    });

    it('keeps to a JSON schema', async context => {
      needs(context, 'chat');
      const schema = {
        type: 'object',
        properties: { mood: { type: 'string', enum: ['good', 'bad'] } },
        required: ['mood'],
        additionalProperties: false,
      };
      const json = { type: 'json_schema', json_schema: { name: 'mood', schema, strict: true } };
      const [choice] = (await chat({ response_format: json, max_tokens: 120 })).choices;
      // A model of random weights may write blanks for ever.
      if (choice?.finish_reason === 'length') return expect(choice.message?.content).toMatch(/^\s*\{?/);
      expect(['good', 'bad']).toContain((JSON.parse(choice?.message?.content ?? '') as { mood: string }).mood);
    });

    it('keeps to a grammar, or refuses it by name', async context => {
      needs(context, 'chat');
      if (named.url === undefined) context.skip('a stand-in reads no grammars');
      const grammar = 'root ::= "yes" | "no"';
      const steering = engine.kind === 'vllm' ? { structured_outputs: { grammar } } : { grammar };
      const answer = await chatUnlessRefused('grammar', { ...steering, max_tokens: 20 });
      if (answer) expect(['yes', 'no']).toContain(answer.choices[0]?.message?.content);
    });

    it('calls a tool, plain and streamed', async context => {
      needs(context, 'chat');
      const body = { tools: [weather], tool_choice: 'required', max_tokens: 150 };
      const answer = await chatUnlessRefused('tool', body);
      if (!answer) return;
      const [choice] = answer.choices;
      if (choice?.finish_reason === 'length') return;
      const [call] = choice?.message?.tool_calls ?? [];
      expect([choice?.finish_reason, call?.function.name]).toEqual(['tool_calls', 'get_weather']);
      expect(['Paris', 'Oslo']).toContain((JSON.parse(call?.function.arguments ?? '') as { city: string }).city);
      const streamed = await engine.ask('/v1/chat/completions', { messages, ...body, stream: true });
      valid('/v1/chat/completions', streamed);
      expect(streamed.text).toContain('"name":"get_weather"');
    });

    it('refuses a prompt that is too long, with status and reason', async context => {
      needs(context, 'chat');
      const long = [{ role: 'user', content: 'word '.repeat(20_000) }];
      const answer = await engine.ask('/v1/chat/completions', { messages: long, max_tokens: 8, stream: true });
      // Ollama cuts it short, and says nothing.
      if (engine.kind === 'ollama' && answer.status === 200) return;
      expect(answer.status, answer.text).toBe(400);
      expect(
        answerFaults('/v1/chat/completions', { status: 400, contentType: 'application/json', text: answer.text }),
      ).toEqual([]);
      expect(answer.text).toMatch(/context|token|length/i);
    });

    it('frees its slot when a task is cancelled', async context => {
      needs(context, 'completion');
      const { service } = engine;
      const body = { prompt: 'Once upon a time', max_tokens: 400, stop: ['\u0000never'], deadline_ms: 100_000 };
      const id = String((await service.request('POST', '/v2/tasks', { body })).json()['task_id']);
      await engine.health();
      expect((await service.request('POST', `/v2/tasks/${id}/cancel`)).status).toBe(204);
      await engine.isFree(FREED_WITHIN_MS);
    });

    it('frees its slot when a client leaves a stream', async context => {
      needs(context, 'chat');
      await engine.leaveAtFirstOutput('/v1/chat/completions', { messages, max_tokens: 400 });
      await engine.isFree(FREED_WITHIN_MS);
    });

    it(`ends all of ${TASKS} tasks at once, and loses none`, async context => {
      needs(context, 'completion');
      const body = (seed: number) => ({ prompt: 'Once upon a time', max_tokens: 12, seed });
      const answers = await Promise.all(Array.from({ length: TASKS }, (_each, seed) => engine.run(body(seed))));
      expect(answers.map(answer => answer.json<TaskAnswer>().state)).toEqual(Array(TASKS).fill('completed'));
      await engine.isFree(FREED_WITHIN_MS);
    });

    it('embeds, in numbers and in base64 the same', async context => {
      needs(context, 'embedding');
      const ask = async (format: string): Promise<Vectors> => {
        const answer = await engine.ask('/v1/embeddings', { input: ['a cat', 'a dog'], encoding_format: format });
        return valid<Vectors>('/v1/embeddings', answer);
      };
      const [numbers, text] = [await ask('float'), await ask('base64')];
      expect(numbers.data.map(({ index }) => index)).toEqual([0, 1]);
      expect(numbers.usage.prompt_tokens).toBeGreaterThan(0);
      for (const [at, { embedding }] of text.data.entries()) {
        const bytes = Buffer.from(embedding as string, 'base64');
        const decoded = Array.from({ length: bytes.length / 4 }, (_each, n) => bytes.readFloatLE(4 * n));
        const expected = numbers.data[at]?.embedding as readonly number[];
        expect(decoded.length).toBe(expected.length);
        expect(Math.max(...decoded.map((value, n) => Math.abs(value - (expected[n] ?? NaN))))).toBeLessThan(1e-4);
      }
      const task = (await engine.run({ operation: 'embedding', input: 'a cat' })).json<{
        state: string;
        output: { result: Vectors };
      }>();
      expect([task.state, task.output.result.data.length]).toEqual(['completed', 1]);
    });

    it('ranks documents', async context => {
      needs(context, 'rerank');
      const answer = await engine.ask('/v1/rerank', {
        query: 'a cat',
        documents: ['a dog', 'a cat', 'a car'],
        top_n: 2,
      });
      const { results } = valid<{ results: readonly { index: number; relevance_score: number }[] }>(
        '/v1/rerank',
        answer,
      );
      expect(results).toHaveLength(2);
      expect(results.every(({ relevance_score: score }) => Number.isFinite(score))).toBe(true);
    });

    it('refuses what it cannot do, and says what it can', async context => {
      if (engine.can('embedding')) context.skip('it embeds');
      const answer = await engine.ask('/v1/embeddings', { input: 'a cat' });
      expect(answer.status, answer.text).toBe(400);
      expect(
        answerFaults('/v1/embeddings', { status: 400, contentType: 'application/json', text: answer.text }),
      ).toEqual([]);
    });
  },
);
