import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { EngineAdapter, EngineRequest, EngineTarget } from '../engine-adapter.port';
import { DeterministicAdapter } from './deterministic.adapter';

const adapter: EngineAdapter = new DeterministicAdapter();
const target: EngineTarget = { url: 'http://127.0.0.1:1', poolId: 'gpu', replicaId: 'r0' };
const request: EngineRequest = {
  taskId: 'task-1',
  correlationId: 'correlation-1',
  work: { operation: 'completion', body: { prompt: 'Good evening', max_tokens: 16, stop: ['Hello'] } },
  firstTokenTimeoutMs: 1000,
  idleTimeoutMs: 1000,
};
const { signal } = new AbortController();

describe('the deterministic engine', () => {
  it('is ready, and says so without asking anybody', async () => {
    expect(await adapter.probe(target, signal)).toMatchObject({ state: 'ready', slotsTotal: 1 });
  });

  it('says Hello, whatever it is asked', async () => {
    const batches = await lastValueFrom(adapter.run(target, request).pipe(toArray()));
    expect(batches.flat()).toEqual([
      { kind: 'token', text: 'Hello' },
      { kind: 'end', usage: { tokensIn: 0, tokensOut: 1, decodeMs: 0, finishReason: 'stop' } },
    ]);
  });

  it.each(['bad ', 'Bad', 'badger', ''])('loads "%s" as it does any model', async model => {
    expect(await adapter.load(target, model, signal)).toEqual({ ok: true });
  });

  it('refuses the model named bad, with a reason', async () => {
    expect(await adapter.load(target, 'bad', signal)).toMatchObject({
      ok: false,
      unsupported: false,
      reason: expect.stringContaining('bad') as string,
    });
  });

  it('has nothing that could fail to be unloaded or erased', async () => {
    expect(await adapter.unload(target, 'bad', signal)).toEqual({ ok: true });
    expect(await adapter.eraseSlots(target, signal)).toEqual({ ok: true });
  });
});
