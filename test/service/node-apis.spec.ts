import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import { TaskClient } from '../support/task-client';
import { ask, told, TwoNodes } from '../support/two-nodes';

const SLOTS = 2;

describe.skipIf(!hasRedisServer())('APIs of two nodes over one store', { timeout: 3 * LAST_RESORT_MS }, () => {
  let engine: RunningEngine;
  let nodes: TwoNodes;

  beforeEach(async () => {
    engine = await startEngine({ wire: 'vllm', model: 'some-model', slots: SLOTS, tokensPerSecond: 50 });
    nodes = await TwoNodes.start({ ORCHD_ENGINE_URLS: `vllm=${engine.url}`, ORCHD_ENGINE_SLOTS: String(SLOTS) });
    await nodes.ready('vllm');
  });
  afterEach(async () => {
    await nodes.stop();
    await engine.stop();
  });

  describe('conversations (B-RSP-013)', () => {
    it('lose nothing that both nodes add at once, and take up at one what ended at the other', async () => {
      const { a, b } = nodes;
      const id = String((await told(a, 'POST', '/v1/conversations', {}))['id']);
      const path = `/v1/conversations/${id}/items`;
      const added = Array.from({ length: 20 }, (_, at) =>
        told(at % 2 === 0 ? a : b, 'POST', path, { items: [{ role: 'user', content: `said ${at}` }] }),
      );
      await Promise.all(added);
      const next = { model: 'some-model', input: 'Go.', conversation: id, max_output_tokens: 5 };
      // Whose turn it is both know, for as long as it lasts.
      engine.control({ faults: { 'stall-prefill': Infinity } });
      const first = told(a, 'POST', '/v1/responses', next);
      await engine.until(({ active }) => active === 1);
      expect((await ask(b, 'POST', '/v1/responses', next)).status).toBe(409);
      engine.control({ faults: {} });
      await first;
      await told(b, 'POST', '/v1/responses', next);
      const { data } = (await told(a, 'GET', `${path}?limit=100`)) as { readonly data: readonly { role: string }[] };
      expect(data.filter(({ role }) => role === 'user')).toHaveLength(22);
      expect(data.filter(({ role }) => role === 'assistant')).toHaveLength(2);
    });
  });

  describe('background responses (B-ND-008)', () => {
    const background = { model: 'some-model', input: 'Go.', background: true, store: true };

    it('are read, gone on from and cancelled at the node that did not make them', async () => {
      const { a, b } = nodes;
      const made = await told(a, 'POST', '/v1/responses', { ...background, max_output_tokens: 5 });
      const done = await eventually(
        () => told(b, 'GET', `/v1/responses/${String(made['id'])}`),
        ({ status }) => status === 'incomplete',
      );
      expect(await told(a, 'GET', `/v1/responses/${String(made['id'])}`)).toEqual(done);
      const next = { model: 'some-model', input: 'On.', previous_response_id: made['id'], max_output_tokens: 3 };
      expect(await told(b, 'POST', '/v1/responses', next)).toMatchObject({ status: 'incomplete' });

      const long = await told(a, 'POST', '/v1/responses', { ...background, max_output_tokens: 1500 });
      await engine.until(({ active }) => active === 1);
      const cancelled = await told(b, 'POST', `/v1/responses/${String(long['id'])}/cancel`);
      expect(cancelled['status']).toBe('cancelled');
      await engine.until(({ active }) => active === 0);
      expect(await told(a, 'GET', `/v1/responses/${String(long['id'])}`)).toEqual(cancelled);
      await told(b, 'DELETE', `/v1/responses/${String(long['id'])}`);
      expect((await ask(a, 'GET', `/v1/responses/${String(long['id'])}`)).status).toBe(404);
    });

    it('outlive the node that made them: what waited is completed, what ran says why it has not', async () => {
      const { a, b } = nodes;
      const of = (tokens: number): Promise<Record<string, unknown>> =>
        told(a, 'POST', '/v1/responses', { ...background, max_output_tokens: tokens });
      const ran = [await of(1500), await of(1500)];
      // Its output was seen: another node does not run it again.
      for (const { id } of ran) await new TaskClient(b).reached(String(id).replace('resp_', ''), 'streaming');
      const waits = await of(3);
      await a.stop('SIGKILL');
      const ended = (id: unknown): Promise<Record<string, unknown>> =>
        eventually(
          () => told(b, 'GET', `/v1/responses/${String(id)}`),
          ({ status }) => status !== 'in_progress' && status !== 'queued',
          LAST_RESORT_MS,
        );
      expect((await ended(waits['id']))['status']).toBe('incomplete');
      for (const { id } of ran) expect((await ended(id))['status']).toBe('failed');
    });
  });
});
