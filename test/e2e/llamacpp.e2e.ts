import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { openEvents, readEvents } from '../support/sse-client';
import type { SseEvent, SseReading, SseStream } from '../support/sse-stream';
import { engineUnderTest, type EngineUnderTest } from './engine-under-test';

const TASKS = 32;
/** Long enough for a slow engine on a busy machine; a suite that hangs ends here. */
const PATIENCE_MS = 120_000;
/** Within this an engine has noticed that its client left, a probe of ours in between included. */
const FREED_WITHIN_MS = 2000;

let engine: EngineUnderTest;
let service: RunningService;

beforeAll(async () => {
  if (!existsSync(resolve(__dirname, '../../dist/main.js')))
    throw new Error('dist/main.js is missing: run `npm run build` first');
  engine = await engineUnderTest();
  service = await startService({
    env: {
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_ENGINE_ALLOW: `127.0.0.0/8,::1/128,${new URL(engine.url).hostname}`,
      ORCHD_ADMISSION_CAPACITY: '64',
      ORCHD_FALLBACK: 'wait',
      ORCHD_PROBE_INTERVAL_MS: '200',
    },
  });
  await eventually(poolHealth, ({ ready }) => ready, PATIENCE_MS);
});

afterAll(async () => {
  await service?.stop();
  await engine?.stop();
});

interface PoolHealth {
  readonly live: boolean;
  readonly ready: boolean;
  readonly metrics: { readonly slots_total?: number; readonly slots_free?: number; readonly running?: number };
}

async function poolHealth(): Promise<PoolHealth> {
  return (await service.request('GET', '/v2/pools/default/health')).json<PoolHealth>();
}

/** Submits a task and returns its id. */
async function submit(body: object): Promise<string> {
  const answer = await service.request('POST', '/v2/tasks', {
    body: { prompt: 'Once upon a time', deadline_ms: PATIENCE_MS, ...body },
  });
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ task_id: string }>().task_id;
}

function eventsOf(taskId: string): [url: string, options: { headers: Record<string, string>; deadlineMs: number }] {
  return [
    `${service.url}/v2/tasks/${taskId}/events`,
    { headers: { 'X-API-Key': service.apiKey }, deadlineMs: PATIENCE_MS },
  ];
}

async function run(body: object): Promise<SseReading> {
  return readEvents(...eventsOf(await submit(body)));
}

function tokens(events: readonly SseEvent[]): { readonly t: string; readonly i: number }[] {
  return events.filter(({ type }) => type === 'token').map(({ data }) => data as { t: string; i: number });
}

/** The engine and the service both say that nothing runs. */
async function expectAllFree(withinMs: number): Promise<void> {
  await eventually(engine.busySlots, busy => busy === 0, withinMs);
  await eventually(
    poolHealth,
    ({ metrics: { running, slots_free: free } }) => running === 0 && free === engine.slotsTotal,
    withinMs,
  );
}

describe('a llama.cpp server behind the service', () => {
  it('shows in the pool’s health and in the capabilities', async () => {
    expect(await poolHealth()).toMatchObject({ live: true, ready: true, metrics: { slots_total: engine.slotsTotal } });
    const { engines } = (await service.request('GET', '/v2/meta/capabilities')).json<{ engines: unknown[] }>();
    expect(engines).toContainEqual(expect.objectContaining({ engine: 'llamacpp', ctx_max: engine.ctxTokens }));
  });

  it('gives the same tokens twice for one seed', async () => {
    const request = { max_tokens: 24, seed: 42, temperature: 0.8 };
    const first = await run(request);
    const second = await run(request);
    expect(first.events.at(-1)?.type).toBe('end');
    expect(tokens(first.events).length).toBeGreaterThan(0);
    expect(tokens(second.events)).toEqual(tokens(first.events));
    expect(first.events[0]?.data).toMatchObject({ engine: 'llamacpp', pool_id: 'default', replica_id: 'r0' });
  });

  it('frees its slot when the task is cancelled', async () => {
    const { taskId, stream } = await taskThatRuns();
    try {
      expect(await engine.busySlots()).toBe(1);
      expect((await service.request('POST', `/v2/tasks/${taskId}/cancel`)).status).toBe(204);
      await expectAllFree(FREED_WITHIN_MS);
      await stream.finished();
      expect(stream.events.at(-1)).toMatchObject({ type: 'error', data: { code: 'CANCELLED' } });
      const task = (await service.request('GET', `/v2/tasks/${taskId}`)).json();
      expect(task).toMatchObject({ state: 'cancelled' });
    } finally {
      stream.close();
    }
  });

  it(`ends all of ${TASKS} concurrent tasks, and loses none`, async () => {
    const ids = await Promise.all(Array.from({ length: TASKS }, (_, seed) => submit({ max_tokens: 20, seed })));
    expect(new Set(ids).size).toBe(TASKS);
    const readings = await Promise.all(ids.map(id => readEvents(...eventsOf(id))));
    for (const { events, ended } of readings) {
      expect(ended).toBe(true);
      expect(events.map(({ type }) => type).filter(type => type === 'end' || type === 'error')).toEqual(['end']);
      expect(events.at(-1)?.type).toBe('end');
      expect(tokens(events).map(({ i }) => i)).toEqual(tokens(events).map((_, index) => index));
    }
    expect(readings.every(({ events }) => tokens(events).length > 0)).toBe(true);
    const states = await Promise.all(
      ids.map(async id => (await service.request('GET', `/v2/tasks/${id}`)).json().state),
    );
    expect(states).toEqual(Array(TASKS).fill('completed'));
    await expectAllFree(FREED_WITHIN_MS);
  });
});

/** A task in the middle of its output. A model may end its text early: then another seed is tried. */
async function taskThatRuns(): Promise<{ readonly taskId: string; readonly stream: SseStream }> {
  for (let seed = 1; seed <= 10; seed++) {
    const taskId = await submit({ max_tokens: engine.ctxTokens - 64, seed, temperature: 1.5 });
    const stream = await openEvents(...eventsOf(taskId));
    await stream.event((_, events) => tokens(events).length >= 3 || events.at(-1)?.type === 'end', PATIENCE_MS);
    const { state } = (await service.request('GET', `/v2/tasks/${taskId}`)).json();
    if (state === 'streaming') return { taskId, stream };
    stream.close();
  }
  throw new Error('no task ran long enough to be cancelled');
}
