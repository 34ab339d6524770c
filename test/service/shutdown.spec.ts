import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { LAST_RESORT_MS, withDeadline } from '../support/deadline';
import type { HttpAnswer } from '../support/http-client';
import { startService, type RunningService } from '../support/service';
import { errorCodeOf, isTerminal, TaskClient, tokenIndexes, upTo, wireOf } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* SIGTERM, and what becomes of everybody who is being served. */

const STREAMS = 200;

let folder: TemporaryFolder;
let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;

async function start(env: Record<string, string>): Promise<void> {
  service = await startService({
    env: {
      ORCHD_DATA_DIR: join(folder.path, 'data'),
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_ADMISSION_CAPACITY: '1000',
      ORCHD_PROBE_INTERVAL_MS: '100',
      ...env,
    },
  });
  tasks = new TaskClient(service);
}

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
  folder.remove();
});

/** That many tasks with a reader each, all of which have had a token. */
async function streaming(count: number, task: Record<string, unknown>) {
  const ids = await Promise.all(upTo(count).map(() => tasks.submit(task)));
  const streams = await Promise.all(ids.map(taskId => tasks.open(taskId)));
  await Promise.all(streams.map(stream => stream.event(({ type }) => type === 'token')));
  return ids.map((taskId, at) => ({ taskId, stream: streams[at]! }));
}

function expectShuttingDown(answer: HttpAnswer): void {
  expect([answer.status, answer.json()['code']]).toEqual([503, 'SHUTTING_DOWN']);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  // So that the client comes to another process, where there is one.
  expect(answer.headers.connection).toBe('close');
}

describe('SIGTERM', () => {
  it(`lets ${STREAMS} running streams come to their end, and takes nothing new`, { timeout: 120_000 }, async () => {
    engine = await startEngine({ slots: STREAMS, tokensPerSecond: 2 });
    await start({ ORCHD_SHUTDOWN_GRACE_MS: String(2 * LAST_RESORT_MS) });
    await tasks.slotsFree(STREAMS);
    const running = await streaming(STREAMS, { max_tokens: 100 });

    const signalledMs = performance.now();
    service.signal('SIGTERM');
    await service.waitForLog(({ event }) => event === 'shutting_down');
    expectShuttingDown(await service.request('GET', '/readyz'));
    const unreadyMs = performance.now() - signalledMs;
    expectShuttingDown(await tasks.post({ task_id: 'late' }));
    expect((await service.request('GET', '/healthz')).status).toBe(200);
    // A reader who loses its connection now comes back.
    const [lost] = running;
    const before = [...(lost?.stream.events ?? [])];
    lost?.stream.close();
    const rest = tasks.read(lost?.taskId ?? '', { lastEventId: before.at(-1)?.id ?? '' });
    expect(service.exitCode).toBeUndefined();

    engine.control({ tokensPerSecond: 50 });
    await Promise.all(running.slice(1).map(({ stream }) => stream.finished()));
    for (const { stream } of running.slice(1)) {
      expect(stream.events.at(-1)?.type).toBe('end');
      expect(stream.events.filter(isTerminal)).toHaveLength(1);
      expect(tokenIndexes(stream.events)).toEqual(upTo(100));
    }
    expect(tokenIndexes([...before, ...(await rest).events])).toEqual(upTo(100));
    expect(await withDeadline(service.exited, LAST_RESORT_MS, () => 'still running')).toEqual({
      code: 0,
      signal: null,
    });
    process.stdout.write(
      `SIGTERM with ${STREAMS} streams: unready after ${unreadyMs.toFixed(0)} ms, 0 cut, over after ${(performance.now() - signalledMs).toFixed(0)} ms\n`,
    );
  });

  it(
    'ends what is not through within the grace, and leaves the rest to the next start',
    { timeout: 120_000 },
    async () => {
      const shownCount = 100;
      const waitingCount = 50;
      engine = await startEngine({ slots: shownCount + 1, tokensPerSecond: 20 });
      await start({ ORCHD_SHUTDOWN_GRACE_MS: '300' });
      await tasks.slotsFree(shownCount + 1);
      const shown = await streaming(shownCount, { max_tokens: 100_000, deadline_ms: 600_000 });
      engine.control({ prefillMs: 60_000 });
      const unshown = await tasks.submit({ prompt: 'unshown', max_tokens: 3, deadline_ms: 600_000 });
      await engine.until(({ active }) => active === shownCount + 1);
      const waiting = await Promise.all(
        upTo(waitingCount).map(n => tasks.submit({ prompt: `waiting-${n}`, max_tokens: 3, deadline_ms: 600_000 })),
      );
      const waitingStreams = await Promise.all([unshown, ...waiting].map(taskId => tasks.open(taskId)));

      service.signal('SIGTERM');
      expect(await withDeadline(service.exited, LAST_RESORT_MS, () => 'still running')).toEqual({
        code: 0,
        signal: null,
      });
      for (const { stream } of shown) {
        await stream.finished();
        expect(errorCodeOf(stream.events)).toBe('ORCHESTRATOR_RESTARTED');
        expect(stream.events.filter(isTerminal)).toHaveLength(1);
        const indexes = tokenIndexes(stream.events);
        expect(indexes).toEqual(upTo(indexes.length));
      }
      for (const stream of waitingStreams) {
        await stream.finished();
        expect(stream.events).toEqual([]);
      }

      engine.control({ prefillMs: 0, tokensPerSecond: 0 });
      await service.stop();
      await start({});
      for (const { taskId, stream } of shown) {
        const last = stream.events.at(-1);
        expect((await tasks.read(taskId, { lastEventId: last?.id ?? '' })).status).toBe(204);
      }
      const [first] = shown;
      expect(wireOf((await tasks.read(first?.taskId ?? '')).events)).toEqual(wireOf(first?.stream.events ?? []));
      for (const reading of await Promise.all([unshown, ...waiting].map(taskId => tasks.read(taskId)))) {
        expect(reading.events.at(-1)?.type).toBe('end');
        expect(tokenIndexes(reading.events)).toEqual(upTo(3));
      }
      // The one that had begun without showing anything has been started twice, all others once.
      expect(engine.stats().started).toBe(shownCount + 2 + waitingCount);
    },
  );

  it('waits for no reader who hangs', { timeout: 120_000 }, async () => {
    // More than the sockets between them hold.
    engine = await startEngine({ slots: 1, tokensPerSecond: 0, vocabulary: ['x'.repeat(5000)] });
    await start({ ORCHD_SHUTDOWN_GRACE_MS: '500', ORCHD_TASK_OUTPUT_MAX_BYTES: String(64 * 1024 * 1024) });
    await tasks.slotsFree(1);
    const taskId = await tasks.submit({ max_tokens: 4000, on_disconnect: 'continue' });
    const stream = await tasks.open(taskId);
    stream.pause();
    await tasks.reached(taskId, 'completed');
    service.signal('SIGTERM');
    expect(await withDeadline(service.exited, LAST_RESORT_MS, () => 'still running')).toEqual({
      code: 0,
      signal: null,
    });
    stream.resume();
    await expect(stream.finished(), 'it was not behind').rejects.toThrow('broke off');
    expect(stream.events.some(isTerminal)).toBe(false);

    // It goes on where it stood.
    await service.stop();
    await start({});
    const rest = await tasks.read(taskId, { lastEventId: stream.events.at(-1)?.id ?? '' });
    expect(tokenIndexes([...stream.events, ...rest.events])).toEqual(upTo(4000));
  });

  it('a second time ends the process at once', { timeout: 120_000 }, async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 20 });
    await start({ ORCHD_SHUTDOWN_GRACE_MS: String(2 * LAST_RESORT_MS) });
    await tasks.slotsFree(1);
    await streaming(1, { max_tokens: 100_000, deadline_ms: 600_000 });
    service.signal('SIGTERM');
    await service.waitForLog(({ event }) => event === 'shutting_down');
    expect(service.exitCode).toBeUndefined();
    service.signal('SIGTERM');
    expect(await withDeadline(service.exited, LAST_RESORT_MS, () => 'still running')).toEqual({
      code: 1,
      signal: null,
    });
  });
});
