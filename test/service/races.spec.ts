import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { openEvents, readEvents } from '../support/sse-client';
import type { SseEvent } from '../support/sse-stream';

/*
 * Races against a real service and engine over sockets. Each prints its figures; what is asserted is what may never happen:
 * two terminal events, anything behind one, a slot or an engine's request left over.
 */

/** More with `npm run test:races`. */
const RACES = Number(process.env['RACES'] ?? 400);
const AT_ONCE = 25;
const TOKENS = 150;
/** So many that no machine is slow enough to see their end. */
const ENDLESS_TOKENS = 1_048_576;
const LEAVES = Number(process.env['LEAVES'] ?? 40);
const GRACE_MS = 150;

let service: RunningService;
let engine: RunningEngine;

async function start(
  engineOptions: Parameters<typeof startEngine>[0],
  env: Record<string, string> = {},
): Promise<void> {
  engine = await startEngine(engineOptions);
  service = await startService({
    env: {
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_ADMISSION_CAPACITY: '2000',
      ORCHD_DETACH_GRACE_MS: String(GRACE_MS),
      ORCHD_PROBE_INTERVAL_MS: '200',
      ORCHD_LOG_LEVEL: 'info',
      ...env,
    },
  });
  await eventually(
    () => pool(),
    ({ ready }) => ready === true,
  );
}

afterEach(async () => {
  await service.stop();
  await engine.stop();
});

async function pool(): Promise<Record<string, unknown>> {
  return (await service.request('GET', '/v2/pools/default/health')).json();
}

async function submit(task: Record<string, unknown>): Promise<string> {
  const answer = await service.request('POST', '/v2/tasks', { body: { prompt: 'Go.', ...task } });
  expect(answer.status, answer.text).toBe(202);
  return String(answer.json()['task_id']);
}

const eventsUrl = (taskId: string): string => `${service.url}/v2/tasks/${taskId}/events`;
const keyed = (): Record<string, string> => ({ 'X-API-Key': service.apiKey });

/** All leases are back, and the engine works for nobody. */
async function everythingIsFree(slots: number): Promise<void> {
  const idle = await eventually(pool, health => (health['metrics'] as Record<string, number>)['running'] === 0);
  expect(idle['metrics']).toMatchObject({ running: 0, slots_total: slots });
  await engine.until(stats => stats.active === 0 && stats.deferred === 0);
  await eventually(pool, health => (health['metrics'] as Record<string, number>)['slots_free'] === slots);
}

/**
 * Reads a task's events to their end, and cancels it once `due` takes what has come (of nothing: while its stream is opened), at the
 * end of the stream at the latest.
 */
async function cancelled(
  taskId: string,
  due: (events: readonly SseEvent[]) => boolean,
  times = 1,
): Promise<{ readonly events: readonly SseEvent[]; readonly ended: boolean }> {
  const cancel = async (): Promise<void> => {
    const post = () => service.request('POST', `/v2/tasks/${taskId}/cancel`);
    const cancels = await Promise.all(Array.from({ length: times }, post));
    expect(cancels.map(answer => answer.status)).toEqual(cancels.map(() => 204));
  };
  const atOnce = due([]);
  const [stream] = await Promise.all([openEvents(eventsUrl(taskId), { headers: keyed() }), atOnce && cancel()]);
  try {
    if (!atOnce) {
      await stream.event((_, events) => due(events), undefined, true);
      await cancel();
    }
    await stream.finished();
    return stream.reading();
  } finally {
    stream.close();
  }
}

function terminalOf(events: readonly SseEvent[]): SseEvent | undefined {
  const terminals = events.filter(({ type }) => type === 'end' || type === 'error');
  expect(terminals).toHaveLength(1);
  expect(events.at(-1)).toBe(terminals[0]);
  return terminals[0];
}

const isOver = (events: readonly SseEvent[]): boolean => events.at(-1)?.type === 'end';

describe('a cancel against the end of its task', () => {
  it(`has one terminal event in each of ${RACES} races, and leaks no slot`, { timeout: 240_000 }, async () => {
    await start({ slots: 32, tokensPerSecond: 2000, ctxTokens: 2 * ENDLESS_TOKENS });
    const ends = { end: 0, CANCELLED: 0 };
    const race = async (n: number): Promise<void> => {
      // Of ten, one is cancelled long before its end, one after it; the others somewhere in their life.
      const [early, late] = [n % 10 === 0, n % 10 === 1];
      const taskId = await submit({ max_tokens: early ? ENDLESS_TOKENS : TOKENS });
      const due = late ? isOver : (events: readonly SseEvent[]) => events.length >= (n * 7) % (TOKENS + 3);
      const { events, ended } = await cancelled(taskId, due, 2);
      expect(ended).toBe(true);
      const terminal = terminalOf(events);
      const tokens = events.filter(({ type }) => type === 'token').map(({ data }) => (data as { i: number }).i);
      expect(tokens).toEqual(tokens.map((_, index) => index));
      const again = await readEvents(eventsUrl(taskId), { headers: keyed() });
      expect(again.events.map(({ text }) => text)).toEqual(events.map(({ text }) => text));
      const code = terminal?.type === 'end' ? 'end' : (terminal?.data as { code: 'CANCELLED' }).code;
      if (early || late) expect(code).toBe(late ? 'end' : 'CANCELLED');
      ends[code]++;
    };
    for (let n = 0; n < RACES; n += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => race(n + k)));
    process.stdout.write(
      `cancel against finish: ${RACES} races, ${ends.end} ended first, ${ends.CANCELLED} were cancelled first\n`,
    );
    expect(ends.end + ends.CANCELLED).toBe(RACES);
    await everythingIsFree(32);
  });
});

describe('the stand-in', () => {
  it('is cancelled like any engine, in each of 100 races (B-DP-152)', { timeout: 120_000 }, async () => {
    engine = await startEngine();
    service = await startService({ env: { ORCHD_ADMISSION_CAPACITY: '2000' } });
    const ends = new Map<string, number>();
    for (let n = 0; n < 100; n++) {
      const { events } = await cancelled(await submit({}), come => come.length >= n % 8);
      const { type = '' } = terminalOf(events) ?? {};
      ends.set(type, (ends.get(type) ?? 0) + 1);
    }
    process.stdout.write(`cancel against the stand-in: ${JSON.stringify(Object.fromEntries(ends))}\n`);
  });
});

describe('a client that leaves', () => {
  /** Leaves each stream once `reached` says so; resolves to how long the engine or queue took to be rid of the task. */
  async function leave(reached: (taskId: string) => Promise<void>, task: Record<string, unknown>): Promise<number> {
    const taskId = await submit(task);
    const stream = await openEvents(eventsUrl(taskId), { headers: keyed() });
    await reached(taskId);
    const leftMs = performance.now();
    stream.close();
    await eventually(
      async () => (await service.request('GET', `/v2/tasks/${taskId}`)).json(),
      view => view['state'] === 'cancelled',
    );
    return performance.now() - leftMs;
  }

  async function leaveMany(
    where: string,
    reached: (taskId: string) => Promise<void>,
    task: Record<string, unknown>,
  ): Promise<void> {
    const times: number[] = [];
    for (let n = 0; n < LEAVES; n += 10) {
      times.push(...(await Promise.all(Array.from({ length: 10 }, () => leave(reached, task)))));
    }
    times.sort((a, b) => a - b);
    process.stdout.write(
      `${LEAVES} clients left ${where}: ended after p50 ${times[LEAVES / 2]?.toFixed(0)} ms, p99 ${times[LEAVES - 2]?.toFixed(0)} ms (grace ${GRACE_MS} ms)\n`,
    );
    // Not before its grace.
    expect(times[0]).toBeGreaterThan(GRACE_MS * 0.9);
  }

  it(`mid-stream frees the slot, ${LEAVES} times`, { timeout: 120_000 }, async () => {
    await start({ slots: 10, tokensPerSecond: 50 });
    const streaming = async (taskId: string): Promise<void> => {
      await readEvents(eventsUrl(taskId), { headers: keyed(), until: ({ type }) => type === 'token' });
    };
    await leaveMany('mid-stream', streaming, { max_tokens: 5000 });
    // The engine may hear of the last of them after the client does.
    await engine.until(({ aborted }) => aborted >= LEAVES);
    expect(engine.stats().aborted).toBe(LEAVES);
    await everythingIsFree(10);
  });

  it(`in prefill frees the slot, ${LEAVES} times`, { timeout: 120_000 }, async () => {
    await start({ slots: 10, tokensPerSecond: 50, prefillMs: 60_000 });
    const inPrefill = async (taskId: string): Promise<void> => {
      await eventually(
        async () => (await service.request('GET', `/v2/tasks/${taskId}`)).json(),
        view => view['state'] === 'dispatching',
      );
    };
    await leaveMany('in prefill', inPrefill, { max_tokens: 5 });
    expect(engine.stats().tokens).toBe(0);
    await everythingIsFree(10);
  });

  it(
    `while it is queued frees its place, ${LEAVES} times, and the others are untouched`,
    { timeout: 120_000 },
    async () => {
      await start({ slots: 1, tokensPerSecond: 50 });
      const running = await submit({ max_tokens: 100_000, on_disconnect: 'continue', deadline_ms: 600_000 });
      await engine.until(stats => stats.active === 1);
      await leaveMany('queued', async () => undefined, { max_tokens: 5, deadline_ms: 600_000 });
      expect(engine.stats().started).toBe(1);
      expect((await service.request('GET', `/v2/tasks/${running}`)).json()['state']).toBe('streaming');
      expect((await pool())['metrics']).toMatchObject({ queue_depth: 0, running: 1 });
      await service.request('POST', `/v2/tasks/${running}/cancel`);
      await everythingIsFree(1);
    },
  );

  it('and comes back within the grace, as if nothing had happened', async () => {
    // However long a busy machine takes to come back.
    await start({ slots: 1, tokensPerSecond: 100 }, { ORCHD_DETACH_GRACE_MS: '60000' });
    const taskId = await submit({ max_tokens: 60 });
    const first = await readEvents(eventsUrl(taskId), { headers: keyed(), until: (_, events) => events.length >= 10 });
    const lastEventId = first.events.at(-1)?.id ?? '';
    const rest = await readEvents(eventsUrl(taskId), { headers: keyed(), lastEventId });
    expect(rest.events.at(-1)?.type).toBe('end');
    const indexes = [...first.events, ...rest.events]
      .filter(({ type }) => type === 'token')
      .map(({ data }) => (data as { i: number }).i);
    expect(indexes).toEqual(Array.from({ length: 60 }, (_, index) => index));
  });
});
