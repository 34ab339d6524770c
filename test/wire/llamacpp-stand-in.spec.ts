import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import type { EngineSettings } from '../engine/engine-options';
import { collect, engineRequest, llamacppAdapter, targetAt, textsOf } from './adapter-under-test';
import { LAST_RESORT_MS } from '../support/deadline';

const { adapter, close } = llamacppAdapter();
let engine: RunningEngine;

async function targetOf(settings: Partial<EngineSettings>) {
  engine = await startEngine({ tokensPerSecond: 0, ...settings });
  return targetAt(engine.url);
}

const soon = () => AbortSignal.timeout(LAST_RESORT_MS);

afterEach(() => engine.stop());
afterAll(close);

/** The adapter against the stand-in engine: both speak the recorded wire, so each must understand the other. */
describe('on the stand-in engine', () => {
  it('gives the same tokens for the same seed', async () => {
    const target = await targetOf({});
    const run = async (seed: number) => {
      const result = await collect(adapter.run(target, engineRequest({ body: { max_tokens: 50, seed } })));
      expect(result.events.at(-1)).toMatchObject({ kind: 'end', usage: { tokensOut: 50, finishReason: 'length' } });
      return textsOf(result).join('');
    };
    const first = await run(7);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
  });

  it('frees its slot when a run is given up, in prefill and in the middle', async () => {
    const target = await targetOf({ tokensPerSecond: 50, prefillMs: 100 });
    for (const atTokens of [0, 3]) {
      const run = adapter.run(target, engineRequest({ body: { max_tokens: 1000 } })).subscribe();
      await engine.until(({ active, tokens }) => active === 1 && tokens >= atTokens);
      run.unsubscribe();
      await engine.until(({ active }) => active === 0);
    }
    expect(engine.stats()).toMatchObject({ started: 2, aborted: 2, finished: 0 });
  });

  it('serves 200 runs at once on its slots, one after the other', async () => {
    const target = await targetOf({ slots: 4 });
    const runs = Array.from({ length: 200 }, () =>
      collect(adapter.run(target, engineRequest({ body: { max_tokens: 20 } }))),
    );
    const results = await Promise.all(runs);
    expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(engine.stats()).toMatchObject({ finished: 200, aborted: 0 });
  });

  it.each([
    [{ 'kill-after': 5 }, 'WORKER_RESET', 5],
    [{ eof: 5 }, 'WORKER_RESET', 5],
    [{ garbage: 5 }, 'ENGINE_PROTOCOL', 5],
    [{ 'huge-line': 32 * 1024 * 1024 }, 'ENGINE_PROTOCOL', 0],
    [{ 'stall-after': 5 }, 'DECODE_TIMEOUT', 5],
    [{ reset: 1 }, 'WORKER_RESET', 0],
    [{ html: 1 }, 'ENGINE_PROTOCOL', 0],
    [{ '503': 1 }, 'ENGINE_BUSY', 0],
    [{ '429': 1 }, 'ENGINE_BUSY', 0],
    [{ '400': 1 }, 'INVALID_PARAMS', 0],
  ] as const)('tells %j as %s', async (faults, code, tokens) => {
    const target = await targetOf({ faults });
    const result = await collect(adapter.run(target, engineRequest({ body: { max_tokens: 50 }, idleTimeoutMs: 150 })));
    expect(result.error).toMatchObject({ code });
    expect(result.events.filter(({ kind }) => kind === 'token')).toHaveLength(tokens);
  });

  it('loads, serves and unloads the models of a router', async () => {
    const target = await targetOf({ routerModels: ['tiny-a', 'tiny-b'], loadMs: 150, slotActions: true });
    const states = async () => (await adapter.probe(target, soon())).models?.map(({ state }) => state);
    expect(await states()).toEqual(['unloaded', 'unloaded']);

    expect(await adapter.load(target, 'tiny-b', soon())).toEqual({ ok: true });
    expect(await adapter.load(target, 'tiny-b', soon())).toEqual({ ok: true });
    expect(await states()).toEqual(['unloaded', 'loaded']);
    expect(await adapter.load(target, 'tiny-c', soon())).toMatchObject({ ok: false, unsupported: false });

    const run = await collect(adapter.run(target, engineRequest({ model: 'tiny-b' })));
    expect(run.events.at(-1)).toMatchObject({ usage: { model: 'tiny-b', tokensOut: 16 } });
    expect(await adapter.eraseSlots(target, soon())).toEqual({ ok: true });
    expect(engine.stats().erasedSlots).toEqual([0, 1, 2, 3]);

    expect(await adapter.unload(target, 'tiny-b', soon())).toEqual({ ok: true });
    expect(await adapter.unload(target, 'tiny-b', soon())).toEqual({ ok: true });
    expect(await states()).toEqual(['unloaded', 'unloaded']);
  });

  it('is loading, then ready', async () => {
    const target = await targetOf({ loadMs: 60_000 });
    expect(await adapter.probe(target, soon())).toEqual({ state: 'loading', reason: 'Loading model' });
    engine.control({ loading: false });
    expect(await adapter.probe(target, soon())).toMatchObject({ state: 'ready', slotsTotal: 4, slotsBusy: 0 });
  });
});
