import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { TaskClient, upTo, wireOf } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* Tasks end while transcripts cannot be stored, for their folder is away. */

const TASKS = 8;
const TOKENS = 20;

let folder: TemporaryFolder;
let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;
const artifacts = (): string => join(folder.path, 'data', 'artifacts');

async function start(): Promise<void> {
  service = await startService({
    env: {
      ORCHD_DATA_DIR: join(folder.path, 'data'),
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_PROBE_INTERVAL_MS: '100',
      // A log goes as soon as its task has ended, so what is read afterwards is of the transcript.
      ORCHD_EVENT_CACHE_BYTES: '0',
    },
  });
  tasks = new TaskClient(service);
}

beforeEach(async () => {
  folder = temporaryFolder();
  engine = await startEngine({ slots: 4, tokensPerSecond: 0 });
  await start();
  await tasks.slotsFree(4, 'default', LAST_RESORT_MS);
});
afterEach(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
  folder.remove();
});

/** Ids of tasks that ended without a transcript, and what their readers saw. */
async function endedWithout(): Promise<{ ids: string[]; seen: string[][] }> {
  renameSync(artifacts(), `${artifacts()}-away`);
  const ids = await Promise.all(upTo(TASKS).map(n => tasks.submit({ task_id: `t-${n}`, max_tokens: TOKENS })));
  const readings = await Promise.all(ids.map(taskId => tasks.read(taskId, { deadlineMs: LAST_RESORT_MS })));
  for (const taskId of ids) {
    const view = await tasks.reached(taskId, 'completed', LAST_RESORT_MS);
    expect(view['transcript_artifact_id']).toBeUndefined();
  }
  return { ids, seen: readings.map(({ events }) => wireOf(events)) };
}

async function stored(ids: readonly string[]): Promise<void> {
  for (const taskId of ids) {
    const view = () => tasks.view(taskId);
    await eventually(view, task => task['transcript_artifact_id'] !== undefined, LAST_RESORT_MS);
  }
}

async function read(ids: readonly string[]): Promise<string[][]> {
  const readings = await Promise.all(ids.map(taskId => tasks.read(taskId, { deadlineMs: LAST_RESORT_MS })));
  return readings.map(({ events }) => wireOf(events));
}

describe('transcripts that could not be stored', () => {
  it('are read from memory, and stored once they can be', { timeout: 120_000 }, async () => {
    const { ids, seen } = await endedWithout();
    expect(await read(ids)).toEqual(seen);
    renameSync(`${artifacts()}-away`, artifacts());
    await stored(ids);
    expect(await read(ids)).toEqual(seen);
    await service.stop('SIGKILL');
    await start();
    expect(await read(ids)).toEqual(seen);
  });

  it('are stored by the next process, from what was copied of their events', { timeout: 120_000 }, async () => {
    const { ids, seen } = await endedWithout();
    await service.stop('SIGTERM', LAST_RESORT_MS);
    renameSync(`${artifacts()}-away`, artifacts());
    await start();
    expect(await read(ids)).toEqual(seen);
    await stored(ids);
    expect(await read(ids)).toEqual(seen);
  });
});
