import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import type { HttpAnswer } from '../support/http-client';
import { hasRedisServer, startRedis, type RedisServer } from '../support/redis-server';
import { startService, type RunningService } from '../support/service';

type Json = Record<string, unknown>;

const SLOTS = 2;

describe.skipIf(!hasRedisServer())('two nodes over one store', { timeout: 3 * LAST_RESORT_MS }, () => {
  let redis: RedisServer;
  let engine: RunningEngine;
  let a: RunningService;
  let b: RunningService;

  const env = (): Record<string, string> => ({
    ORCHD_STORE: redis.url,
    ORCHD_STORE_DURABILITY: 'memory',
    ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
    ORCHD_ENGINE_SLOTS: String(SLOTS),
    ORCHD_FALLBACK: 'wait',
    ORCHD_PROBE_INTERVAL_MS: '100',
    AUTH_TOKEN: 'worker-token',
  });

  const start = async (more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const settings = { ...env(), ...more };
    [a, b] = await Promise.all([startService({ env: settings }), startService({ env: settings })]);
    for (const service of [a, b])
      await eventually(
        () => ask(service, 'GET', '/v2/pools/vllm/health'),
        ({ status, text }) => status === 200 && text.includes('"ready":true'),
      );
  };

  const ask = async (at: RunningService, method: string, path: string, body?: object): Promise<HttpAnswer> =>
    at.request(method, path, body ? { body } : {});

  const json = async (at: RunningService, method: string, path: string, body?: object): Promise<Json> => {
    const answer = await ask(at, method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json();
  };

  beforeEach(async () => {
    redis = await startRedis();
    engine = await startEngine({ wire: 'vllm', model: 'some-model', slots: SLOTS, tokensPerSecond: 50 });
  });
  afterEach(async () => {
    for (const service of [a, b]) await service.stop('SIGKILL');
    await engine.stop();
    await redis.stop();
  });

  describe('background responses (B-ND-008)', () => {
    const background = { model: 'some-model', input: 'Go.', background: true, store: true };

    it('are read, gone on from and cancelled at the node that did not make them', async () => {
      await start();
      const made = await json(a, 'POST', '/v1/responses', { ...background, max_output_tokens: 5 });
      const done = await eventually(
        () => json(b, 'GET', `/v1/responses/${String(made['id'])}`),
        ({ status }) => status === 'incomplete',
      );
      expect(await json(a, 'GET', `/v1/responses/${String(made['id'])}`)).toEqual(done);
      const next = { model: 'some-model', input: 'On.', previous_response_id: made['id'], max_output_tokens: 3 };
      expect(await json(b, 'POST', '/v1/responses', next)).toMatchObject({ status: 'incomplete' });

      const long = await json(a, 'POST', '/v1/responses', { ...background, max_output_tokens: 1500 });
      await engine.until(({ active }) => active === 1);
      const cancelled = await json(b, 'POST', `/v1/responses/${String(long['id'])}/cancel`);
      expect(cancelled['status']).toBe('cancelled');
      await engine.until(({ active }) => active === 0);
      expect(await json(a, 'GET', `/v1/responses/${String(long['id'])}`)).toEqual(cancelled);
      await json(b, 'DELETE', `/v1/responses/${String(long['id'])}`);
      expect((await ask(a, 'GET', `/v1/responses/${String(long['id'])}`)).status).toBe(404);
    });

    it('outlive the node that made them: what waited is completed, what ran says why it has not', async () => {
      await start();
      const of = (tokens: number): Promise<Json> =>
        json(a, 'POST', '/v1/responses', { ...background, max_output_tokens: tokens });
      const ran = [await of(1500), await of(1500)];
      await engine.until(({ active }) => active === SLOTS);
      const waits = await of(3);
      await a.stop('SIGKILL');
      const ended = (id: unknown): Promise<Json> =>
        eventually(
          () => json(b, 'GET', `/v1/responses/${String(id)}`),
          ({ status }) => status !== 'in_progress' && status !== 'queued',
          LAST_RESORT_MS,
        );
      expect((await ended(waits['id']))['status']).toBe('incomplete');
      for (const { id } of ran) expect((await ended(id))['status']).toBe('failed');
    });
  });
});
