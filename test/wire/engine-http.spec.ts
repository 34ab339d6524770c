import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { collect, engineRequest, filesAsKeys, targetAt, textsOf } from './adapter-under-test';
import { AlarmsByHand, StillClock } from './connections-under-test';
import {
  chunk,
  eventStream,
  recordedBytes,
  replayServer,
  streamHead,
  type Answer,
  type ReplayServer,
} from './replay-server';
import type { EngineKeys } from '../../src/engines/engine-keys';
import { ServiceError } from '../../src/errors/service-error';
import { currentContext, followContext } from '../../src/observability/log-context';
import { Alarms } from '../../src/time/alarms';
import { Clock } from '../../src/time/clock';
import { TurnEnd } from '../../src/time/turn-end';
import { LlamacppAdapter } from '../../src/engines/llamacpp/llamacpp.adapter';
import { EngineHttp } from '../../src/engines/wire/engine-http';
import { LAST_RESORT_MS } from '../support/deadline';

const hello = eventStream('data: {"content":"Hello","stop":false}\n\ndata: {"content":"","stop":true}\n\n');
const opened: (ReplayServer | EngineHttp | Alarms)[] = [];

async function serve(answer: Answer): Promise<ReplayServer> {
  const server = await replayServer(answer);
  opened.push(server);
  return server;
}

function transport(
  resolve: LookupFunction = lookup,
  keys: EngineKeys = filesAsKeys,
  clock = new Clock(),
  alarms = new Alarms(clock),
): { http: EngineHttp; adapter: LlamacppAdapter } {
  const http = new EngineHttp({ lookup: resolve }, keys, clock, alarms, new TurnEnd());
  opened.push(http, alarms);
  return { http, adapter: new LlamacppAdapter(http) };
}

afterEach(async () => {
  for (const one of opened.splice(0)) {
    if ('close' in one) await one.close();
    else one.onModuleDestroy();
  }
});

describe('EngineHttp', () => {
  it('sends an engine its key with everything it asks, and others none', async () => {
    const server = await serve(
      (socket, { path }) => void socket.write(path === '/completion' ? hello : recordedBytes('health-ok')),
    );
    const soon = () => AbortSignal.timeout(LAST_RESORT_MS);
    for (const target of [targetAt(server.url), { ...targetAt(server.url), apiKeyFile: 'secret' }]) {
      // A service of its own each: what an engine serves is asked once.
      const { adapter } = transport();
      await adapter.probe(target, soon());
      await adapter.load(target, 'm', soon());
      await collect(adapter.run(target, engineRequest()));
    }
    const sent = server.requests.map(({ path, headers }) => `${path} ${headers['authorization'] ?? '-'}`);
    const half = sent.length / 2;
    expect(sent.slice(0, half).every(each => each.endsWith(' -'))).toBe(true);
    expect(sent.slice(half)).toEqual(sent.slice(0, half).map(each => each.replace(/-$/, 'Bearer secret')));
    expect(sent).toContain('/completion Bearer secret');
  });

  it('asks nothing of an engine whose key cannot be had', async () => {
    const server = await serve(socket => void socket.write(hello));
    const { adapter } = transport(lookup, {
      read: async () => Promise.reject(new ServiceError('ENGINE_PROTOCOL', { message: 'no key' })),
      known: () => {
        throw new ServiceError('ENGINE_PROTOCOL', { message: 'no key' });
      },
    });
    const target = { ...targetAt(server.url), apiKeyFile: 'secret' };
    expect(await adapter.probe(target, AbortSignal.timeout(LAST_RESORT_MS))).toEqual({
      state: 'unreachable',
      reason: 'no key',
    });
    const { error } = await collect(adapter.run(target, engineRequest()));
    expect(error).toMatchObject({ code: 'ENGINE_PROTOCOL', message: 'no key' });
    expect(server.requests).toEqual([]);
  });

  it('sends a run as the engine expects it, with the correlation id', async () => {
    const server = await serve(socket => void socket.write(hello));
    const { adapter } = transport();
    const request = engineRequest({
      model: 'tiny-a',
      body: {
        prompt: 'a \ud83d b',
        max_tokens: 7,
        temperature: 0,
        top_p: 0.9,
        top_k: 40,
        min_p: 0.05,
        repeat_penalty: 1.1,
        presence_penalty: 0.1,
        frequency_penalty: 0.2,
        seed: 42,
        stop: ['###', '\udc00'],
      },
    });
    expect(textsOf(await collect(adapter.run(targetAt(`${server.url}/api/`), request)))).toEqual(['Hello']);
    const [{ method, path, headers, body }] = server.requests as [ReplayServer['requests'][number]];
    expect(`${method} ${path}`).toBe('POST /api/completion');
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-correlation-id': 'correlation-1' });
    const { response_fields: fields, ...sent } = JSON.parse(body) as Record<string, unknown>;
    expect(fields).toContain('tokens_predicted');
    expect(sent).toEqual({
      model: 'tiny-a',
      prompt: 'a \ufffd b',
      n_predict: 7,
      stream: true,
      cache_prompt: true,
      return_progress: true,
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      repeat_penalty: 1.1,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      seed: 42,
      stop: ['###', '\ufffd'],
    });
  });

  it('leaves to the engine what was not asked for', async () => {
    const server = await serve(socket => void socket.write(hello));
    await collect(transport().adapter.run(targetAt(server.url), engineRequest()));
    const sent = JSON.parse(server.requests[0]?.body ?? '') as object;
    const ours = ['cache_prompt', 'n_predict', 'prompt', 'response_fields', 'return_progress', 'stream'];
    expect(Object.keys(sent).sort()).toEqual(ours);
  });

  it('starts nothing before it is subscribed to, and a run anew for each subscriber', async () => {
    const server = await serve(socket => void socket.write(hello));
    const run$ = transport().adapter.run(targetAt(server.url), engineRequest());
    expect(await Promise.all([collect(run$), collect(run$)])).toMatchObject([
      { error: undefined },
      { error: undefined },
    ]);
    expect(server.requests).toHaveLength(2);
  });

  it('runs many at once, each on a connection of its own', async () => {
    const server = await serve(() => {
      if (server.requests.length < 64) return; // None is answered before all have been asked.
      for (const socket of server.connections) socket.write(hello);
    });
    const { adapter } = transport();
    const results = await Promise.all(
      Array.from({ length: 64 }, () => collect(adapter.run(targetAt(server.url), engineRequest()))),
    );
    expect(results.map(textsOf)).toEqual(Array(64).fill(['Hello']));
  });

  it('keeps connections for later runs, also after some that the engine closed', async () => {
    const closing = recordedBytes('router-completion'); // `Connection: close`
    let answer = closing;
    const server = await serve(socket => void (answer === closing ? socket.end(answer) : socket.write(answer)));
    const { adapter } = transport();
    const runs = async (times: number) => {
      const before = server.connections.length;
      for (let turn = 0; turn < times; turn++) await collect(adapter.run(targetAt(server.url), engineRequest()));
      return server.connections.length - before;
    };
    expect(await runs(20)).toBe(20);
    answer = hello;
    expect(await runs(20)).toBeLessThanOrEqual(2);
  });

  it('resolves names by its policy each time it connects, and sends nothing where that refuses', async () => {
    const server = await serve(socket => void socket.end(hello));
    const asked: string[] = [];
    let refuse = false;
    const { adapter, http } = transport((hostname, options, callback) => {
      asked.push(hostname);
      if (refuse) callback(Object.assign(new Error('169.254.169.254 is not allowed'), { code: 'EACCES' }), '');
      else lookup('127.0.0.1', options, callback);
    });
    const target = targetAt(server.url.replace('127.0.0.1', 'engine.internal'));
    expect(textsOf(await collect(adapter.run(target, engineRequest())))).toEqual(['Hello']);
    expect(asked).toEqual(['engine.internal']);

    refuse = true;
    const before = server.connections.length;
    const { error } = await collect(adapter.run(target, engineRequest()));
    expect(error).toMatchObject({
      code: 'WORKER_RESET',
      message: 'The engine has no address at which an engine may live.',
    });
    const question = { method: 'GET', route: '/health', maxAnswerBytes: 1024 } as const;
    await expect(http.ask(target, question, AbortSignal.timeout(LAST_RESORT_MS))).rejects.toMatchObject({
      message: 'The engine has no address at which an engine may live.',
    });
    expect(server.connections).toHaveLength(before);
  });

  it('lends a connection to later runs without the log context of the run that opened it', async () => {
    const server = await serve(socket => void socket.write(hello));
    const { adapter } = transport();
    const contextOf = (correlationId: string): Promise<unknown[]> =>
      new Promise<unknown[]>((resolve, reject) => {
        const seen: unknown[] = [];
        followContext({ correlation_id: correlationId }, () => {
          adapter.run(targetAt(server.url), engineRequest()).subscribe({
            next: () => seen.push(currentContext()?.correlation_id),
            complete: () => resolve(seen),
            error: reject,
          });
        });
      });
    for (const correlationId of ['first', 'second', 'third']) {
      const others = (await contextOf(correlationId)).filter(id => id !== undefined && id !== correlationId);
      expect(others).toEqual([]);
    }
    expect(server.connections.length).toBeLessThan(3);
  });

  it('fails a run whose head cannot be sent, as any other, and waits for nothing', async () => {
    const server = await serve(socket => void socket.write(hello));
    const clock = new StillClock();
    const alarms = new AlarmsByHand(clock);
    const { adapter } = transport(lookup, filesAsKeys, clock, alarms);
    const split = engineRequest({ correlationId: 'a\r\nX-Other: b' });
    const { error } = await collect(adapter.run(targetAt(server.url), split));
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: 'WORKER_RESET' });
    expect([server.connections, alarms.count]).toEqual([[], 0]);
  });

  it('breaks off what runs when the service stops', async () => {
    const server = await serve(
      socket => void socket.write(Buffer.concat([streamHead(), chunk('data: {"content":"a"}\n\n')])),
    );
    const { adapter, http } = transport();
    const ended = new Promise(resolve => {
      adapter.run(targetAt(server.url), engineRequest()).subscribe({
        next: () => http.onModuleDestroy(),
        error: resolve,
        complete: () => resolve('complete'),
      });
    });
    expect(await ended).toMatchObject({ code: 'WORKER_RESET' });
  });
});
