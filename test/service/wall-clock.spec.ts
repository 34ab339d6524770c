import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { TaskClient, upTo } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* Somebody sets the machine's clock, forward and back, while the service runs and while it does not. */

const HOUR_MS = 3_600_000;
/** Several rounds of retention, which comes each half second. */
const ROUNDS_MS = 2500;

let folder: TemporaryFolder;
let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;
let offset: string;

async function start(offsetMs = 0): Promise<void> {
  writeFileSync(offset, String(offsetMs));
  service = await startService({
    nodeArgs: ['-r', resolve(__dirname, '../support/settable-clock.cjs')],
    env: {
      CLOCK_OFFSET_FILE: offset,
      ORCHD_DATA_DIR: join(folder.path, 'data'),
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_PROBE_INTERVAL_MS: '100',
      ORCHD_TASK_RETENTION_MS: String(HOUR_MS),
    },
  });
  tasks = new TaskClient(service);
}

async function setClock(offsetMs: number): Promise<void> {
  writeFileSync(offset, String(offsetMs));
  service.signal('SIGUSR2');
  await eventually(
    async () => readFileSync(offset, 'utf8'),
    text => text === '',
    LAST_RESORT_MS,
  );
}

async function serve(taskId: string): Promise<void> {
  await tasks.submit({ task_id: taskId, max_tokens: 1, deadline_ms: 86_400_000 });
  await tasks.read(taskId, { deadlineMs: LAST_RESORT_MS });
}

/** Ids of all tasks, page after page. */
async function listed(): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = ''; ;) {
    const answer = await service.request('GET', `/v2/tasks?limit=2${cursor}`);
    const page = answer.json<{ items: { task_id: string }[]; next_cursor?: string }>();
    ids.push(...page.items.map(item => item.task_id));
    if (page.next_cursor === undefined) return ids;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

beforeEach(async () => {
  folder = temporaryFolder();
  offset = join(folder.path, 'offset');
  engine = await startEngine({ slots: 1, tokensPerSecond: 0 });
});
afterEach(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
  folder.remove();
});

describe('a wall clock that is set', () => {
  it('forward deletes nothing, neither at once nor after a restart', { timeout: 120_000 }, async () => {
    await start();
    for (const n of upTo(3)) await serve(`t-${n}`);
    for (const [offsetMs, restart] of [
      [2 * HOUR_MS, false],
      [24 * HOUR_MS, true],
      [0, false],
      [365 * 24 * HOUR_MS, true],
    ] as const) {
      if (restart) {
        await service.stop('SIGKILL');
        await start(offsetMs);
        await eventually(
          () => service.request('GET', '/readyz'),
          ({ status }) => status === 200,
          LAST_RESORT_MS,
        );
      } else await setClock(offsetMs);
      for (const untilMs = performance.now() + ROUNDS_MS; performance.now() < untilMs;) {
        expect(await listed()).toEqual(['t-2', 't-1', 't-0']);
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    }
    const shown = (await tasks.view('t-0')) as { created_ms: number; ended_ms: number };
    expect(shown.ended_ms).toBeGreaterThanOrEqual(shown.created_ms);
  });

  it('back leaves lists and the queue in the order of admission', { timeout: 120_000 }, async () => {
    await start();
    for (const n of upTo(3)) await serve(`t-${n}`);
    await setClock(-2 * HOUR_MS);
    for (const n of [3, 4, 5]) await serve(`t-${n}`);
    await setClock(HOUR_MS);
    await serve('t-6');
    const order = upTo(7).map(n => `t-${6 - n}`);
    expect(await listed()).toEqual(order);
    expect((await service.request('GET', '/v2/tasks?state=completed')).json<{ items: unknown[] }>().items).toHaveLength(
      7,
    );

    engine.control({ loading: true });
    for (const n of [7, 8]) await tasks.submit({ task_id: `t-${n}`, deadline_ms: 86_400_000 });
    await service.stop('SIGKILL');
    await start(-5 * HOUR_MS);
    const late = await tasks.post({ task_id: 't-9', deadline_ms: 86_400_000 });
    expect([late.status, late.json()['queue_position']]).toEqual([202, 2]);
    expect(await listed()).toEqual(['t-9', 't-8', 't-7', ...order]);
  });
});
