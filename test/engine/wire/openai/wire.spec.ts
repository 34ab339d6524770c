import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../../engine';
import { ask } from '../../engine-client';
import type { EngineSettings } from '../../engine-options';
import { recordedBody, shapeOfEvents, shapeOfObject } from '../../recordings';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  engine = await startEngine({
    wire: 'openai',
    model: 'gpt-5-nano',
    aliases: ['babbage-002'],
    tokensPerSecond: 0,
    ...options,
  });
}

const CHAT = '/v1/chat/completions';
const TEXT = '/v1/completions';
const chat = { model: 'gpt-5-nano', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 6 };

function send(name: string) {
  return ask(engine.url, 'POST', name.startsWith('chat') ? CHAT : TEXT, recordedBody('openai', `${name}.request.json`));
}

describe('the stand-in of a plain OpenAI server answers as the recorded one', () => {
  it.each(['chat-basic', 'chat-tools', 'completion-basic'])('%s: the same members', async name => {
    await start();
    const answer = await send(name);
    expect(answer.status).toBe(200);
    expect(shapeOfObject(answer.body)).toEqual(shapeOfObject(recordedBody('openai', `${name}.body`)));
  });

  it.each(['chat-streaming', 'completion-streaming', 'completion-streaming-usage'])(
    '%s: the same events',
    async name => {
      await start();
      const answer = await send(name);
      expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
      expect(shapeOfEvents(answer.body)).toEqual(shapeOfEvents(recordedBody('openai', `${name}.body`)));
    },
  );

  it.each(['chat-unknown-model', 'completion-unknown-model', 'chat-no-messages'])(
    '%s: the same refusal',
    async name => {
      await start();
      const answer = await send(name);
      expect(answer.status).toBe(name === 'chat-no-messages' ? 400 : 404);
      expect(JSON.parse(answer.body)).toEqual(JSON.parse(recordedBody('openai', `${name}.body`)));
    },
  );
});

describe('a plain OpenAI server', () => {
  it('wants its key, and says which is missing or wrong', async () => {
    await start({ apiKey: 'sk-test' });
    const statusAndCode = async (headers: Record<string, string>) => {
      const { status, body } = await ask(engine.url, 'POST', CHAT, chat, headers);
      return [status, (JSON.parse(body) as { error?: { code: unknown } }).error?.code];
    };
    expect(await statusAndCode({})).toEqual([401, null]);
    expect(await statusAndCode({ authorization: 'Bearer nope' })).toEqual([401, 'invalid_api_key']);
    expect(await statusAndCode({ 'x-api-key': 'sk-test' })).toEqual([401, null]);
    expect(await statusAndCode({ authorization: 'Bearer sk-test' })).toEqual([200, undefined]);
  });

  it('names each answer, and tells what of the limits is left', async () => {
    await start();
    const { headers } = await ask(engine.url, 'POST', CHAT, { ...chat, stream: true });
    expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
    expect(headers).toMatchObject({
      'x-ratelimit-limit-requests': '500',
      'x-ratelimit-remaining-requests': '499',
      'x-ratelimit-reset-requests': '120ms',
    });
    const lost = await ask(engine.url, 'GET', '/v1/nope');
    expect(lost.headers['x-request-id']).toMatch(/^req_/);
    expect(lost.body).toContain('"code":"unknown_url"');
  });

  it('shows its models, one by one as well', async () => {
    await start();
    const { body } = await ask(engine.url, 'GET', '/v1/models');
    expect(JSON.parse(body)).toMatchObject({ object: 'list', data: [{ id: 'gpt-5-nano' }, { id: 'babbage-002' }] });
    expect((await ask(engine.url, 'GET', '/v1/models/babbage-002')).status).toBe(200);
    expect((await ask(engine.url, 'GET', '/v1/models/nope')).status).toBe(404);
  });

  it('answers n times, each choice with its own finish, parallel calls with their own index', async () => {
    await start();
    const tool = (name: string) => ({
      type: 'function',
      function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
    });
    const tools = [tool('weather'), tool('time')];
    const { body } = await ask(engine.url, 'POST', CHAT, { ...chat, max_tokens: 60, n: 2, stream: true, tools });
    const chunks = body.split('\n\n').filter(line => line.startsWith('data: {'));
    const choices = chunks.map(line => (JSON.parse(line.slice(6)) as { choices: [Choice] }).choices[0]);
    for (const index of [0, 1]) {
      const own = choices.filter(choice => choice.index === index);
      expect(own.at(-1)?.finish_reason).toBe('tool_calls');
      for (const call of [0, 1]) {
        const parts = own.flatMap(({ delta }) => delta.tool_calls ?? []).filter(part => part.index === call);
        expect(parts[0]).toMatchObject({
          type: 'function',
          function: { name: ['weather', 'time'][call], arguments: '' },
        });
        expect(JSON.parse(parts.map(part => part.function.arguments).join(''))).toEqual({ city: expect.any(String) });
      }
    }
    const plain = await ask(engine.url, 'POST', CHAT, { ...chat, max_tokens: 60, tools, parallel_tool_calls: false });
    expect(plain.body.match(/"id":"call_/g)).toHaveLength(1);
  });
});

interface Choice {
  readonly index: number;
  readonly finish_reason: string | null;
  readonly delta: {
    readonly tool_calls?: readonly { readonly index: number; readonly function: { readonly arguments: string } }[];
  };
}
