import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { TaskClient, tokenIndexes, upTo } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* The data folder is deleted or moved away under a service that works. */

const LATER = { max_tokens: 2, deadline_ms: 600_000 };

let folder: TemporaryFolder;
let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;
const data = (): string => join(folder.path, 'data');

async function start(): Promise<void> {
  service = await startService({
    env: {
      ORCHD_DATA_DIR: data(),
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_ADMISSION_CAPACITY: '100000',
      ORCHD_PROBE_INTERVAL_MS: '100',
    },
  });
  tasks = new TaskClient(service);
}

beforeEach(async () => {
  folder = temporaryFolder();
  engine = await startEngine({ slots: 1, tokensPerSecond: 100 });
  await start();
  await tasks.slotsFree(1, 'default', LAST_RESORT_MS);
});
afterEach(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
  folder.remove();
});

/** Tasks sent one after the other while something happens to the folder, until there are enough; ids of those that were acknowledged. */
async function submitted(
  enough: number | (() => boolean),
): Promise<{ readonly acknowledged: string[]; readonly refused: number }> {
  const isOver = typeof enough === 'number' ? (sent: number) => sent >= enough : enough;
  const acknowledged: string[] = [];
  let refused = 0;
  for (let n = 0; !isOver(n); n++) {
    const answer = await tasks.post(LATER);
    if (answer.status === 202) acknowledged.push(String(answer.json()['task_id']));
    else {
      expect([answer.status, answer.json()]).toMatchObject([503, { code: 'STORAGE_UNAVAILABLE', retriable: true }]);
      refused++;
    }
  }
  return { acknowledged, refused };
}

describe('a data folder that is deleted', () => {
  it('has nothing acknowledged into it, is told once, and running streams go on', { timeout: 90_000 }, async () => {
    const running = await tasks.submit({ max_tokens: 200, deadline_ms: 600_000 });
    const reading = tasks.read(running, { deadlineMs: LAST_RESORT_MS });
    await tasks.reached(running, 'streaming', LAST_RESORT_MS);
    rmSync(data(), { recursive: true });
    const { acknowledged, refused } = await submitted(60);
    expect([acknowledged, refused]).toEqual([[], 60]);
    const document = await service.request('POST', '/v2/artifacts', { body: { text: 'x' } });
    expect([document.status, document.json()]).toMatchObject([503, { code: 'STORAGE_UNAVAILABLE' }]);
    await service.waitForLog(({ event }) => event === 'journal_gone');
    expect(tokenIndexes((await reading).events)).toEqual(upTo(200));
    expect(service.logs().filter(({ event }) => event === 'journal_gone')).toHaveLength(1);
    expect(service.logs().filter(({ event }) => event === 'retention_failed').length).toBeLessThan(2);
    expect((await service.request('GET', '/healthz')).status).toBe(200);
    expect(await service.stop('SIGTERM', LAST_RESORT_MS)).toEqual({ code: 0, signal: null });
  });
});

describe('a data folder that is moved away and back while tasks are sent', () => {
  it('has every task that was acknowledged, and none that was refused', { timeout: 90_000 }, async () => {
    engine.control({ loading: true });
    const before = await submitted(20);
    // For as long as the folder is moved, however slow that is seen.
    let isBack = false;
    const flood = upTo(3).map(() => submitted(() => isBack));
    await eventually(
      async () => tasks.idsInState('queued'),
      ids => ids.length > 50,
      LAST_RESORT_MS,
    );
    renameSync(data(), join(folder.path, 'away'));
    await service.waitForLog(({ event }) => event === 'journal_gone', LAST_RESORT_MS);
    const meanwhile = await submitted(20);
    expect(meanwhile.acknowledged).toEqual([]);
    renameSync(join(folder.path, 'away'), data());
    await eventually(
      () => tasks.post(LATER),
      ({ status }) => status === 202,
      LAST_RESORT_MS,
    );
    isBack = true;
    const during = await Promise.all(flood);
    const after = await submitted(20);
    const acknowledged = [before, ...during, after].flatMap(sent => sent.acknowledged);
    expect(during.some(({ refused }) => refused > 0)).toBe(true);
    await service.stop('SIGKILL');
    await start();
    const found = await tasks.idsInState('queued');
    // One more, which was sent until it was taken.
    expect([acknowledged.filter(taskId => !found.includes(taskId)), found.length]).toEqual([
      [],
      acknowledged.length + 1,
    ]);
  });
});
