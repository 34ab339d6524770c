import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, withDeadline, LAST_RESORT_MS } from '../support/deadline';
import { startService, type LogLine, type RunningService, type ServiceOptions } from '../support/service';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk';
import { TaskClient } from '../support/task-client';

/* The log goes where nothing can be written, or where nobody reads. */

/** The last resort of a wait that no measure is taken of. */
/** Makes long lines, so that few tasks fill what the log has room for. */
const LONG_ID = 'x'.repeat(120);

let engine: RunningEngine;
let service: RunningService | undefined;
let tasks: TaskClient;
let disk: SmallDisk | undefined;
let log: number | undefined;

beforeEach(async () => {
  engine = await startEngine({ slots: 4, tokensPerSecond: 0 });
});
afterEach(async () => {
  await service?.stop('SIGKILL');
  await engine.stop();
  if (log !== undefined) closeSync(log);
  disk?.unmount();
  service = disk = log = undefined;
});

async function start(to: NonNullable<ServiceOptions['log']>): Promise<RunningService> {
  const env = { ORCHD_LLAMACPP_URL: engine.url, ORCHD_FALLBACK: 'wait', ORCHD_PROBE_INTERVAL_MS: '100' };
  service = await startService({ log: to, env });
  tasks = new TaskClient(service);
  await tasks.slotsFree(4, 'default', LAST_RESORT_MS);
  return service;
}

async function serve(): Promise<void> {
  const taskId = await tasks.submit({ max_tokens: 2 });
  expect((await tasks.read(taskId, { deadlineMs: LAST_RESORT_MS })).events.at(-1)?.type).toBe('end');
}

/** Lines the metrics call lost, for whatever reason. */
async function droppedLines(running: RunningService): Promise<number> {
  const { text } = await running.request('GET', '/metrics');
  const found = [...text.matchAll(/^log_lines_dropped_total\{reason="\w+"\} (\d+)$/gm)];
  return found.reduce((sum, [, lines]) => sum + Number(lines), 0);
}

/** Tasks until the log has more lines than there is room for. */
async function fillLog(running: RunningService): Promise<void> {
  let served = 0;
  const some = () =>
    Promise.all(
      Array.from({ length: 200 }, async () => {
        const body = { prompt: 'Go.', task_id: `${served++}${LONG_ID}`, session_id: LONG_ID, max_tokens: 1 };
        await running.request('POST', '/v2/tasks', { body, headers: { 'X-Correlation-Id': LONG_ID } });
      }),
    );
  await eventually(
    async () => (await some(), droppedLines(running)),
    dropped => dropped > 0,
    120_000,
  );
}

async function stopsTwice(running: RunningService): Promise<void> {
  const long = await tasks.submit({ max_tokens: 100_000, deadline_ms: 600_000 });
  engine.control({ tokensPerSecond: 20 });
  await tasks.reached(long, 'streaming', LAST_RESORT_MS);
  running.signal('SIGTERM');
  const readyz = () => running.request('GET', '/readyz');
  await eventually(readyz, ({ status }) => status === 503, LAST_RESORT_MS);
  running.signal('SIGTERM');
  expect(await withDeadline(running.exited, LAST_RESORT_MS, () => 'still running')).toEqual({ code: 1, signal: null });
}

async function stops(running: RunningService): Promise<void> {
  running.signal('SIGTERM');
  expect(await withDeadline(running.exited, LAST_RESORT_MS, () => 'still running')).toEqual({ code: 0, signal: null });
}

describe('with a log that takes nothing', () => {
  it('serves, and ends when it is told', { timeout: 120_000 }, async () => {
    const running = await start((log = openSync('/dev/full', 'w')));
    await serve();
    await stops(running);
  });

  it('ends at once when it is told twice', { timeout: 120_000 }, async () => {
    engine.control({ tokensPerSecond: 20 });
    await stopsTwice(await start((log = openSync('/dev/full', 'w'))));
  });
});

describe('with a log on a disk that fills up', () => {
  it('serves, and says once there is room how many lines are missing', { timeout: 240_000 }, async context => {
    disk = mountSmallDisk(8);
    if (!disk) return context.skip();
    const path = join(disk.path, 'log');
    const running = await start((log = openSync(path, 'a')));
    disk.fill();
    await fillLog(running);
    await serve();
    disk.free();
    const lines = (): LogLine[] => {
      const text = readFileSync(path, 'utf8');
      const whole = text.slice(0, text.lastIndexOf('\n')).split('\n');
      return whole.map(line => JSON.parse(line) as LogLine);
    };
    const gap = await eventually(
      async () => lines().find(({ event }) => event === 'log_lines_dropped'),
      line => line !== undefined,
      LAST_RESORT_MS,
    );
    expect(gap).toMatchObject({ level: 'warn', lines: await droppedLines(running), reason: 'ENOSPC' });
    await serve();
    await stops(running);
    expect(lines().at(-1)).toMatchObject({ event: 'stopped' });
  });
});

describe('with a log that nobody reads', () => {
  it('serves, says in the log what is missing, and ends when it is told', { timeout: 240_000 }, async () => {
    const running = await start('unread');
    await fillLog(running);
    await serve();
    const dropped = await droppedLines(running);
    running.readLog();
    const gap = await running.waitForLog(({ event }) => event === 'log_lines_dropped', LAST_RESORT_MS);
    expect(gap).toMatchObject({ level: 'warn', lines: dropped, reason: 'stalled' });
    await serve();
    await stops(running);
    expect(running.logs().at(-1)).toMatchObject({ event: 'stopped' });
  });

  it('ends within bounds though nobody reads, and at once when it is told twice', { timeout: 240_000 }, async () => {
    const running = await start('unread');
    await fillLog(running);
    engine.control({ tokensPerSecond: 20 });
    await stopsTwice(running);
    await service?.stop('SIGKILL');
    const again = await start('unread');
    await fillLog(again);
    await stops(again);
  });
});
