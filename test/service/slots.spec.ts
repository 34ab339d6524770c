import { firstValueFrom, scan, filter, timeout, ReplaySubject } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { PoolRegistry, type PoolChange } from '../../src/pools/registry/pool-registry.port';
import { startService } from '../../src/service';
import { startEngine, type RunningEngine } from '../engine/engine';
import type { EngineSettings } from '../engine/engine-options';
import { createInProcess, type InProcessService } from '../support/in-process';
import { LAST_RESORT_MS } from '../support/deadline';

/** For ever, as far as a test is concerned. */
const LONG = 1_000_000;

let service: InProcessService;
let engine: RunningEngine;
let changes$: ReplaySubject<PoolChange>;

afterEach(async () => {
  await service.close();
  await engine.stop();
});

async function start(options: Partial<EngineSettings>, env: Record<string, string> = {}): Promise<void> {
  engine = await startEngine({ slots: 1, ctxTokens: LONG, ...options });
  service = await createInProcess({ ORCHD_LLAMACPP_URL: engine.url, ORCHD_FALLBACK: 'wait', ...env });
  changes$ = new ReplaySubject();
  service.app.get(PoolRegistry).changes$.subscribe(changes$);
  await startService(service.app, service.config);
}

async function send(method: 'GET' | 'POST', url: string, payload?: object) {
  const headers = { 'x-api-key': 'test-key' };
  return service.app.inject({ method, url, headers, ...(payload && { payload }) });
}

async function submit(more: object = {}): Promise<void> {
  const task = { task_id: 't', prompt: 'word '.repeat(400), max_tokens: 20_000, deadline_ms: 600_000 };
  const answer = await send('POST', '/v2/tasks', { ...task, ...more });
  expect(answer.statusCode, answer.body).toBe(202);
}

async function cancel(): Promise<void> {
  expect((await send('POST', '/v2/tasks/t/cancel')).statusCode).toBe(204);
}

/** What became of the slot until it was free again. */
function fate(): Promise<readonly string[]> {
  const kinds$ = changes$.pipe(
    filter(({ kind }) => kind.startsWith('slot-')),
    scan((seen: readonly string[], { kind }) => [...seen, kind], []),
  );
  return firstValueFrom(kinds$.pipe(filter(seen => seen.at(-1) === 'slot-freed')).pipe(timeout(LAST_RESORT_MS)));
}

const releasedLater = ['slot-releasing', 'slot-freed'];

describe('the slot of a task', () => {
  it('is free with the last event of its engine', async () => {
    await start({ tokensPerSecond: 0 });
    await submit({ max_tokens: 3 });
    expect(await fate()).toEqual(['slot-freed']);
  });

  it.each([
    ['refuses the task', { '400': Infinity }],
    ['closes the connection', { reset: Infinity }],
  ])('is free when the engine %s', async (_, faults) => {
    await start({ faults });
    await submit();
    expect(await fate()).toEqual(['slot-freed']);
  });

  it('that is cancelled in prefill is free when the engine says so, which it does with the next batch of the prompt (B-DP-207)', async () => {
    await start({ prefillMs: 3000, noticeMs: LONG });
    await submit();
    await engine.until(({ active }) => active === 1, LAST_RESORT_MS);
    await cancel();
    expect(await fate()).toEqual(releasedLater);
    expect(engine.stats()).toMatchObject({ active: 0, aborted: 1, tokens: 0 });
  });

  it('that is cancelled among its tokens is free when the engine says so (B-DP-207)', async () => {
    await start({ noticeMs: LONG });
    await submit();
    await engine.until(({ tokens }) => tokens > 2, LAST_RESORT_MS);
    await cancel();
    expect(await fate()).toEqual(releasedLater);
    expect(engine.stats()).toMatchObject({ active: 0, aborted: 1 });
  });

  it('that is given up for silence is free when the engine says so (B-DP-207)', async () => {
    await start({ faults: { 'stall-after': 2 } }, { ORCHD_ENGINE_IDLE_TIMEOUT_MS: '200' });
    await submit();
    expect(await fate()).toEqual(releasedLater);
  });
});
