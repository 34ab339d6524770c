import { afterEach, describe, expect, it } from 'vitest';
import { CompletionClient } from './completion-client';
import { startEngine, type RunningEngine } from './engine';
import type { EngineSettings } from './engine-options';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(options: Partial<EngineSettings> = {}): Promise<void> {
  engine = await startEngine({ tokensPerSecond: 0, ...options });
}

function complete(body: object = {}): CompletionClient {
  return new CompletionClient(engine.url, { n_predict: 10, ...body });
}

const allFree = { active: 0, deferred: 0 };

describe('slots', () => {
  it('hold as many sequences as there are; the next wait, and start in their order', async () => {
    await start({ slots: 2, faults: { 'stall-prefill': Infinity } });
    const order: number[] = [];
    const all: Promise<unknown>[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const client = complete();
      all.push(client.ended.then(end => order.push(end === 'complete' ? turn : -1)));
      await engine.until(({ active, deferred }) => active + deferred === turn + 1);
    }
    expect(engine.stats()).toMatchObject({ active: 2, deferred: 4, started: 2 });

    engine.control({ faults: {}, tokensPerSecond: 2000 });
    await Promise.all(all);
    expect(order.slice(0, 2).sort()).toEqual([0, 1]);
    expect(order.slice(2, 4).sort()).toEqual([2, 3]);
    expect(engine.stats()).toMatchObject({ ...allFree, started: 6, finished: 6, aborted: 0 });
  });

  it('serve 64 requests on 4 slots, never more than 4 at a time', async () => {
    await start({ slots: 4, tokensPerSecond: 1000 });
    let most = 0;
    const watch = engine.until(({ active, finished }) => {
      most = Math.max(most, active);
      return finished === 64;
    }, 10_000);
    const clients = Array.from({ length: 64 }, (_, seed) => complete({ seed }));
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(Array(64).fill('complete'));
    await watch;
    expect(most).toBe(4);
    expect(engine.stats()).toMatchObject({ ...allFree, tokens: 640 });
  });

  it('can be erased where the engine allows it', async () => {
    await start({ slotActions: true });
    await complete({ seed: 1 }).ended;
    const erase = (id: number) => fetch(`${engine.url}/slots/${id}?action=erase`, { method: 'POST' });
    expect(await (await erase(3)).json()).toEqual({ id_slot: 3, n_erased: 2 + 10 - 1 });
    expect(await (await erase(3)).json()).toEqual({ id_slot: 3, n_erased: 0 });
    expect((await erase(4)).status).toBe(404);
    expect(engine.stats().erasedSlots).toEqual([3, 3]);
  });

  it('cannot be erased where it does not', async () => {
    await start();
    const answer = await fetch(`${engine.url}/slots/0?action=erase`, { method: 'POST' });
    expect(answer.status).toBe(501);
    expect(await answer.json()).toMatchObject({ error: { type: 'not_supported_error' } });
  });
});

describe('a client that goes', () => {
  const leaveAndTime = async (client: CompletionClient, aborted: number) => {
    const startMs = performance.now();
    client.leave();
    await engine.until(stats => stats.aborted === aborted);
    return performance.now() - startMs;
  };

  it.each([
    ['in prefill', { prefillMs: 60_000 }, 0],
    ['in the middle', { tokensPerSecond: 200 }, 2],
    ['of a stalled stream', { faults: { 'stall-after': 2 } }, 2],
  ])('%s: its slot is free again at once', async (_, options, tokens) => {
    await start({ slots: 1, ...options });
    const times: number[] = [];
    for (let round = 1; round <= 20; round++) {
      const client = complete({ n_predict: 1000 });
      const before = engine.stats().tokens;
      await engine.until(stats => stats.active === 1 && stats.tokens >= before + tokens);
      times.push(await leaveAndTime(client, round));
      expect(engine.stats()).toMatchObject(allFree);
    }
    // The quickest of them: on a busy machine anything can take long.
    expect(Math.min(...times)).toBeLessThan(30);
  });

  it('while it waits: it no longer waits, and the others keep their turn', async () => {
    await start({ slots: 1, faults: { 'stall-prefill': Infinity } });
    const first = complete();
    await engine.until(({ active }) => active === 1);
    const second = complete();
    await engine.until(({ deferred }) => deferred === 1);
    const third = complete();
    await engine.until(({ deferred }) => deferred === 2);
    await leaveAndTime(second, 1);
    expect(engine.stats()).toMatchObject({ active: 1, deferred: 1 });

    engine.control({ faults: {} });
    expect(await Promise.all([first.ended, third.ended])).toEqual(['complete', 'complete']);
    expect(engine.stats()).toMatchObject({ ...allFree, started: 2, finished: 2, aborted: 1 });
  });

  it('stops the generation: no token is made for nobody', async () => {
    await start({ slots: 1, tokensPerSecond: 500 });
    const client = complete({ n_predict: 100_000 });
    await engine.until(({ tokens }) => tokens > 5);
    await leaveAndTime(client, 1);
    const { tokens } = engine.stats();
    await complete({ n_predict: 10 }).ended;
    expect(engine.stats().tokens).toBe(tokens + 10);
  });
});
