import { afterEach, describe, expect, it, vi } from 'vitest';
import { CompletionClient } from './completion-client';
import { Departure } from './departure';
import { startEngine, type RunningEngine } from './engine';
import type { EngineCore } from './engine-core';
import type { EngineSettings } from './engine-options';
import { FaultBoard } from './faults';
import { Pacer } from './pacer';
import { Sendings } from './sendings';
import { Sleep } from './sleep';

/** For ever, as far as a test is concerned. */
const LONG = 1_000_000;
const LAST_RESORT_MS = 19_000;

afterEach(() => void vi.useRealTimers());

describe('a client that goes while there is nothing to send to it', () => {
  /** An engine whose time is moved by the test. */
  function stoodStill(noticeMs: number) {
    vi.useFakeTimers();
    const core = {
      controls: { noticeMs },
      faults: new FaultBoard({}),
      pacer: new Pacer(),
      sendings: new Sendings(),
    } as unknown as EngineCore;
    const client = new AbortController();
    const departure = new Departure(core, client.signal);
    return { core, client, departure, noticed: () => departure.signal.aborted };
  }

  it('is missed at once unless told otherwise', async () => {
    const { client, noticed } = stoodStill(0);
    client.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(noticed()).toBe(true);
  });

  it('is missed after so long in which nothing was sent to anybody', async () => {
    const { client, core, noticed } = stoodStill(1000);
    client.abort();
    for (let n = 0; n < 10; n++) {
      await vi.advanceTimersByTimeAsync(900);
      core.sendings.sent();
    }
    await vi.advanceTimersByTimeAsync(990);
    expect(noticed()).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(noticed()).toBe(true);
  });

  it('is missed when there is something to send to it', () => {
    const { client, departure, noticed } = stoodStill(1000);
    departure.sending();
    client.abort();
    expect(() => departure.sending()).toThrow();
    expect(noticed()).toBe(true);
  });
});

describe('sleep', () => {
  it('comes after a time without work, and is ended by work, in the time of a load', async () => {
    vi.useFakeTimers();
    const load = () => new Promise<void>(loaded => setTimeout(loaded, 500));
    const sleep = new Sleep(1000, load, () => undefined);
    await vi.advanceTimersByTimeAsync(900);
    const work = sleep.during(() => new Promise(done => setTimeout(done, 5000)));
    await vi.advanceTimersByTimeAsync(5000);
    await work;
    await vi.advanceTimersByTimeAsync(999);
    expect([sleep.isAsleep, sleep.times]).toEqual([false, 0]);
    await vi.advanceTimersByTimeAsync(1);
    expect([sleep.isAsleep, sleep.times]).toEqual([true, 1]);
    const served = vi.fn();
    void sleep.during(served);
    await vi.advanceTimersByTimeAsync(499);
    expect(served).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2);
    expect(served).toHaveBeenCalled();
    sleep.stop();
  });
});

describe('an engine', () => {
  let engine: RunningEngine;

  afterEach(() => engine.stop());

  async function start(options: Partial<EngineSettings> = {}): Promise<void> {
    engine = await startEngine({ ctxTokens: LONG, ...options });
  }

  function complete(body: object = {}): CompletionClient {
    return new CompletionClient(engine.url, { n_predict: 100_000, ...body });
  }

  const free = (): Promise<unknown> => engine.until(({ active }) => active === 0, LAST_RESORT_MS);

  it.each([
    ['after its quiet time', 200, {}],
    ['with the next batch of the prompt, where it was asked to tell of them', LONG, { return_progress: true }],
  ])('misses a client that goes in prefill %s', async (_, noticeMs, more) => {
    await start({ prefillMs: 3000, noticeMs });
    const client = complete({ prompt: 'word '.repeat(700), ...more });
    await engine.until(({ active }) => active > 0, LAST_RESORT_MS);
    client.leave();
    await free();
    expect(engine.stats()).toMatchObject({ aborted: 1, tokens: 0 });
  });

  it('misses one that goes among its tokens with the next of them', async () => {
    await start({ noticeMs: LONG, tokensPerSecond: 100 });
    const client = complete();
    await engine.until(({ tokens }) => tokens > 2, LAST_RESORT_MS);
    client.leave();
    await free();
  });

  it('says under /props that it sleeps, and is woken by who asks for slots', async () => {
    await start({ sleepIdleMs: 100 });
    await engine.until(({ asleep }) => asleep, LAST_RESORT_MS);
    expect(await (await fetch(`${engine.url}/props`)).json()).toMatchObject({ is_sleeping: true });
    expect(engine.stats().sleeps).toBe(1);
    await fetch(`${engine.url}/slots`);
    await engine.until(({ sleeps }) => sleeps === 2, LAST_RESORT_MS);
    await complete({ n_predict: 1 }).ended;
    await engine.until(({ sleeps }) => sleeps === 3, LAST_RESORT_MS);
  });
});
