import { afterEach, describe, expect, it } from 'vitest';
import { LAST_RESORT_MS } from '../support/deadline';
import type { EngineRequest } from '../../src/engines/engine-adapter.port';
import { SglangAdapter } from '../../src/engines/sglang/sglang.adapter';
import { VllmAdapter } from '../../src/engines/vllm/vllm.adapter';
import { adapterOf, chatRequest, collect, targetAt } from './adapter-under-test';
import { recordingOf, replayServer, type ReplayServer } from './replay-server';

const closing: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closing.splice(0).map(close => close())));

const json = (body: object): string => {
  const text = JSON.stringify(body);
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
};

async function serving(answers: Readonly<Record<string, object>>, engine: string, name: string): Promise<ReplayServer> {
  const server = await replayServer((socket, { path }) => {
    const answer = answers[path.replace(/\?.*/, '')];
    socket.write(answer ? json(answer) : recordingOf(engine, name));
  });
  closing.push(() => server.close());
  return server;
}

/** The `priority` that an engine is sent. */
function sentTo({ requests }: ReplayServer): unknown {
  const body = requests.find(({ path }) => path === '/v1/chat/completions')?.body ?? '{}';
  return (JSON.parse(body) as { readonly priority?: unknown }).priority;
}

describe('of its priority an engine is told', () => {
  it.each<[string, Partial<EngineRequest>, object, unknown]>([
    ['nothing for an interactive task', { priority: 'interactive' }, {}, undefined],
    ['a larger number for a batch task', { priority: 'batch' }, {}, 1],
    ['what the client named', { priority: 'batch' }, { priority: -3 }, -3],
  ])('by vLLM, %s', async (_, change, body, priority) => {
    const server = await serving({}, 'vllm', 'chat-stream-usage');
    const { adapter, close } = adapterOf(VllmAdapter);
    closing.push(close);
    await collect(adapter.run(targetAt(server.url), chatRequest({ ...change, body: { ...body } })));
    expect(sentTo(server)).toBe(priority);
  });

  const ordering = { enable_priority_scheduling: true };
  it.each<[string, object, Partial<EngineRequest>, object, unknown]>([
    ['nothing where it goes by arrival', {}, { priority: 'interactive' }, {}, undefined],
    ['that an interactive task goes first', ordering, { priority: 'interactive' }, {}, 1],
    ['that a batch task does not', ordering, { priority: 'batch' }, {}, 0],
    [
      'the same where it was turned round',
      { ...ordering, schedule_low_priority_values_first: true },
      { priority: 'interactive' },
      {},
      0,
    ],
    ['what the client named', ordering, { priority: 'batch' }, { priority: 7 }, 7],
  ])('by SGLang, %s', async (_, info, change, body, priority) => {
    const models = { object: 'list', data: [{ id: 'tiny', max_model_len: 512 }] };
    const answers = { '/ready': {}, '/v1/models': models, '/v1/loads': {}, '/model_info': {}, '/server_info': info };
    const server = await serving(answers, 'sglang', 'openai-chat-stream-usage');
    const { adapter, close } = adapterOf(SglangAdapter);
    closing.push(close);
    expect(await adapter.probe(targetAt(server.url), AbortSignal.timeout(LAST_RESORT_MS))).toMatchObject({
      state: 'ready',
    });
    await collect(adapter.run(targetAt(server.url), chatRequest({ ...change, body: { ...body } })));
    expect(sentTo(server)).toBe(priority);
  });
});
