import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import type { EngineStats } from '../engine/ledger';
import { eventually, LAST_RESORT_MS, withDeadline } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import type { SseEvent } from '../support/sse-stream';
import { errorCodeOf, TaskClient, tokenIndexes, upTo, wireOf } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* A process that is killed, and the one that follows it on the same data folder. */

const LONG = { max_tokens: 100_000, deadline_ms: 600_000 };

let folder: TemporaryFolder;
let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;

async function start(env: Record<string, string> = {}): Promise<void> {
  service = await startService({
    env: {
      ORCHD_DATA_DIR: join(folder.path, 'data'),
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_PROBE_INTERVAL_MS: '100',
      AUTH_TOKEN: 'worker-token',
      ...env,
    },
  });
  tasks = new TaskClient(service);
}

/** As the kernel does it when memory runs out: no line of ours runs any more. */
async function killAndStart(env: Record<string, string> = {}): Promise<void> {
  await service.stop('SIGKILL');
  await start(env);
}

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
  folder.remove();
});

interface Received {
  readonly id: number;
  readonly type: string;
  readonly data: string;
}

/** All that an EventSource gets until it is told that there is no more. */
async function follow(url: string, key: string): Promise<Received[]> {
  const received: Received[] = [];
  const source = new EventSource(url, {
    fetch: (target, init) => fetch(target, { ...init, headers: { ...init.headers, 'X-API-Key': key } }),
  });
  const closed = new Promise<number | undefined>(resolve => {
    source.addEventListener('error', ({ code }) => source.readyState === EventSource.CLOSED && resolve(code));
  });
  for (const type of ['started', 'token', 'metrics', 'end', 'error']) {
    source.addEventListener(type, ({ lastEventId, data }) => {
      if (typeof data === 'string') received.push({ id: Number(lastEventId), type, data });
    });
  }
  try {
    expect(await withDeadline(closed, LAST_RESORT_MS, () => `${received.length} events, not closed`)).toBe(204);
    return received;
  } finally {
    source.close();
  }
}

const promptsOf = ({ requests }: EngineStats): string[] =>
  requests.flatMap(({ body }) => (body as { prompt?: string }).prompt ?? []);

describe('after a kill with tasks queued behind one that runs', () => {
  it('queued tasks run in their order, and everything else is as it was', { timeout: 120_000 }, async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 100 });
    await start();
    await tasks.slotsFree(1);
    const done = await tasks.submit({ task_id: 'done', session_id: 'ada', max_tokens: 5 });
    const doneReading = await tasks.read(done);
    const doneView = await tasks.view(done);
    await tasks.submit({ task_id: 'long', session_id: 'ada', ...LONG });
    await tasks.read('long', { until: (_, events) => events.length > 5 });

    const bodies = ['batch-0', 'now-0', 'now-1', 'batch-1', 'now-2', 'now-3'].map(taskId => ({
      ...{ task_id: taskId, session_id: 'bob', prompt: taskId, max_tokens: 3, deadline_ms: 600_000 },
      priority: taskId.startsWith('batch') ? 'batch' : 'interactive',
    }));
    const admissions = [];
    for (const body of bodies) admissions.push(await tasks.post(body));
    expect(admissions.map(answer => answer.json()['queue_position'])).toEqual([0, 0, 1, 3, 2, 3]);

    engine.control({ loading: true });
    await killAndStart();
    expect((await tasks.idsInState('queued')).sort()).toEqual(bodies.map(body => body.task_id).sort());

    // Sent again, each is the admission that it was; sent with another body, a conflict.
    for (const [at, body] of bodies.entries()) {
      const again = await tasks.post(body);
      expect([again.status, again.text]).toEqual([202, admissions[at]?.text]);
      expect((await tasks.post({ ...body, max_tokens: 4 })).json()).toMatchObject({ code: 'TASK_CONFLICT' });
    }
    expect((await tasks.post({ task_id: 'done', session_id: 'ada', max_tokens: 5 })).status).toBe(202);
    expect((await tasks.post({ task_id: 'done', session_id: 'eve', max_tokens: 5 })).status).toBe(409);

    // The ended one answers as before.
    expect(await tasks.view(done)).toEqual(doneView);
    expect(wireOf((await tasks.read(done)).events)).toEqual(wireOf(doneReading.events));
    const session = (await service.request('GET', '/v2/sessions/ada')).json();
    const interrupted = ((await tasks.view('long'))['usage'] as { tokens_out: number }).tokens_out;
    expect(session).toMatchObject({ turns: 1, tokens_budget_remaining: 10_000_000 - 5 - interrupted });

    engine.control({ loading: false, tokensPerSecond: 0 });
    const readings = await Promise.all(bodies.map(({ task_id }) => tasks.read(task_id)));
    for (const { events } of readings) {
      expect(events.at(-1)?.type).toBe('end');
      expect(tokenIndexes(events)).toEqual(upTo(3));
    }
    const order = ['now-0', 'now-1', 'now-2', 'now-3', 'batch-0', 'batch-1'];
    expect(promptsOf(engine.stats()).slice(-6)).toEqual(order);
    expect(engine.stats().started).toBe(2 + bodies.length);
    expect((await service.request('GET', '/v2/sessions/bob')).json()).toMatchObject({ turns: 6 });
  });

  it('takes no second process on its folder, and goes on', { timeout: 120_000 }, async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 0 });
    await start();
    await expect(startService({ env: { ORCHD_DATA_DIR: service.dataDir } })).rejects.toThrow(
      /exit code 1.*another process is using/s,
    );
    await killAndStart();
    await expect(startService({ env: { ORCHD_DATA_DIR: service.dataDir } })).rejects.toThrow(
      /exit code 1.*another process is using/s,
    );
    const taskId = await tasks.submit({ max_tokens: 3 });
    expect((await tasks.read(taskId)).events.at(-1)?.type).toBe('end');
  });

  it('has the events that an EventSource comes back for, without being asked', { timeout: 120_000 }, async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 50 });
    await start();
    await tasks.slotsFree(1);
    const address = new URL(service.url).host;
    const ids = [await tasks.submit(LONG), await tasks.submit({ max_tokens: 20, deadline_ms: 600_000 })];
    const readers = ids.map(taskId => follow(tasks.eventsUrl(taskId), service.apiKey));
    await tasks.read(ids[0] ?? '', { until: (_, events) => events.length > 20 });
    await killAndStart({ ORCHD_ADDR: address });
    const [interrupted, queued] = await Promise.all(readers);
    for (const received of [interrupted, queued]) {
      const seen = received?.map(({ id }) => id) ?? [];
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
    }
    expect(interrupted?.at(-1)).toMatchObject({
      type: 'error',
      data: expect.stringContaining('ORCHESTRATOR_RESTARTED'),
    });
    expect(queued?.at(-1)).toMatchObject({ type: 'end' });
    expect(queued?.filter(({ type }) => type === 'token')).toHaveLength(20);
  });

  it('knows the workers that had registered', { timeout: 120_000 }, async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 0 });
    await start();
    const own = await startEngine({ slots: 3, tokensPerSecond: 0 });
    onTestFinished(() => own.stop());
    const registered = await service.request('POST', '/v2/workers/register', {
      headers: { Authorization: 'Bearer worker-token' },
      body: { pool_id: 'gpu', replica_id: 'w1', url: own.url, engine: 'llamacpp' },
    });
    expect(registered.status, registered.text).toBe(200);
    await killAndStart();
    await tasks.slotsFree(3, 'gpu');
    const taskId = await tasks.submit({ max_tokens: 3, placement: { pin_pool_id: 'gpu' } });
    await tasks.read(taskId);
    expect(await tasks.view(taskId)).toMatchObject({ state: 'completed', pool_id: 'gpu', replica_id: 'w1' });
  });
});

describe('after a kill with tasks that run', () => {
  const SHOWN = 12;
  const UNSHOWN = 4;

  /** What `find` says of the end of a task, whatever a reader has seen before. */
  async function endIsReachableFrom(taskId: string, read: readonly SseEvent[], kept: number): Promise<void> {
    const whole = (await tasks.read(taskId)).events;
    const terminal = whole.at(-1) as SseEvent;
    const terminalId = Number(terminal.id);
    expect(terminalId).toBe(kept + 1_000_000_000);
    const lastSeen = read.at(-1)?.id ?? '';
    for (const lastEventId of [lastSeen, String(kept), String(kept + 5000), String(terminalId - 1)]) {
      const { status, events } = await tasks.read(taskId, { lastEventId });
      const missed = whole.filter(({ id }) => Number(id) > Number(lastEventId));
      expect([status, wireOf(events)]).toEqual([200, wireOf(missed)]);
      expect(events.at(-1)?.id).toBe(terminal.id);
    }
    for (const id of [terminalId, terminalId + 1]) {
      expect((await tasks.read(taskId, { lastEventId: String(id) })).status).toBe(204);
    }
  }

  /** The number of the last event of a task that the journal has copied; 0 where it has none. */
  function lastCopied(taskId: string): number {
    const events = join(folder.path, 'data', 'journal', 'events');
    const text = readdirSync(events)
      .map(name => readFileSync(join(events, name), 'utf8'))
      .join('');
    const runs = [...text.matchAll(new RegExp(`#${taskId} (\\d+)\n((?:[a-z].*\n)+)`, 'g'))];
    return Math.max(0, ...runs.map(([, first, lines]) => Number(first) + (lines?.match(/\n/g)?.length ?? 0) - 1));
  }

  it('those that had sent tokens end, once and readable; the others run', { timeout: 120_000 }, async () => {
    engine = await startEngine({ slots: SHOWN + UNSHOWN, tokensPerSecond: 80 });
    await start();
    await tasks.slotsFree(SHOWN + UNSHOWN);
    const shown = await Promise.all(
      upTo(SHOWN).map(n => tasks.submit({ task_id: `shown-${n}`, prompt: `shown-${n}`, ...LONG })),
    );
    const readers = await Promise.all(shown.map(taskId => tasks.open(taskId)));
    await Promise.all(readers.map(reader => reader.event((_, events) => events.length > 30)));
    engine.control({ prefillMs: 60_000 });
    const unshown = await Promise.all(
      upTo(UNSHOWN).map(n => tasks.submit({ prompt: `unshown-${n}`, ...LONG, max_tokens: 5 })),
    );
    await engine.until(({ active }) => active === SHOWN + UNSHOWN);

    // What was shown by now is copied within a tenth of a second by itself; here it is waited for, however busy the machine is.
    const before = readers.map(reader => reader.events.length);
    const lastShown = readers.map(reader => Number(reader.events.at(-1)?.id));
    await eventually(
      async () => shown.map(lastCopied),
      copied => lastShown.every((id, at) => (copied[at] ?? 0) >= id),
    );
    service.signal('SIGKILL');
    await service.exited;
    engine.control({ prefillMs: 0, tokensPerSecond: 0 });
    await killAndStart();

    const kept: number[] = [];
    for (const [at, taskId] of shown.entries()) {
      const read = readers[at]?.events ?? [];
      const { events } = await tasks.read(taskId);
      expect(errorCodeOf(events)).toBe('ORCHESTRATOR_RESTARTED');
      expect(events.at(-1)?.data).toMatchObject({ retriable: true });
      const again = events.slice(0, -1);
      kept.push(again.length);
      expect(tokenIndexes(again)).toEqual(upTo(tokenIndexes(again).length));
      const both = Math.min(again.length, read.length);
      expect(wireOf(again.slice(0, both))).toEqual(wireOf(read.slice(0, both)));
      expect(again.length).toBeGreaterThanOrEqual(before[at] ?? Infinity);
      expect(await tasks.view(taskId)).toMatchObject({ state: 'failed', error: { code: 'ORCHESTRATOR_RESTARTED' } });
    }

    for (const taskId of unshown) {
      const { events } = await tasks.read(taskId);
      expect(tokenIndexes(events)).toEqual(upTo(5));
      expect(events.at(-1)?.type).toBe('end');
    }
    const started = promptsOf(engine.stats());
    for (const taskId of shown) expect(started.filter(prompt => prompt === taskId)).toHaveLength(1);
    for (const n of upTo(UNSHOWN)) expect(started.filter(prompt => prompt === `unshown-${n}`)).toHaveLength(2);

    // From the log, and then from the transcript in a process that has no log.
    for (const [at, taskId] of shown.entries())
      await endIsReachableFrom(taskId, readers[at]?.events ?? [], kept[at] ?? 0);
    await killAndStart();
    for (const [at, taskId] of shown.entries())
      await endIsReachableFrom(taskId, readers[at]?.events ?? [], kept[at] ?? 0);
    expect(engine.stats().started).toBe(SHOWN + 2 * UNSHOWN);
  });
});
