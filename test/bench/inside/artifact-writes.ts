import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/config';
import { Logger } from '../../../src/observability/logger';
import { Narrator } from '../../../src/observability/narrator';
import { FileArtifactStore } from '../../../src/storage/files/file-artifact-store';
import { syncFolder } from '../../../src/storage/files/folder-sync';
import { startedEvent, tokenEvent } from '../../../src/tasks/events/task-events';
import type { TaskEvent } from '../../../src/tasks/task/task';
import { transcriptOf } from '../../../src/tasks/transcript/transcript';
import { Alarms } from '../../../src/time/alarms';
import { Clock } from '../../../src/time/clock';
import { RunningTime } from '../../../src/time/running-time';
import { alternately } from '../alternately';

/**
 * Transcripts stored as the service does it, and the same bytes by the fewest calls that are as durable.
 *
 * Usage: artifact-writes.ts FOLDER RUNS WRITES
 */
export interface WriteTimes {
  /** User and system time of the process, for one. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

const TOKENS = 300;
/** At a time. */
const WRITERS = 16;

async function main([folder = '', runs = '', writes = '']: string[]): Promise<void> {
  const store = await openStore(folder);
  const plainFolder = join(folder, 'plain');
  await mkdir(plainFolder);
  const result = await alternately(Number(runs), {
    store: () => measure(Number(writes), events => store(events)),
    // Its content is made beforehand: only the write is the floor's.
    plain: () => measure(Number(writes), (_events, content) => writePlainly(plainFolder, content)),
  });
  process.send?.(result, () => process.exit());
}

async function openStore(folder: string): Promise<(events: readonly TaskEvent[]) => Promise<void>> {
  const { config } = loadConfig({ ORCHD_DATA_DIR: join(folder, 'data') });
  const narrator = new Narrator(new Logger(config, { write: () => undefined }));
  const store = new FileArtifactStore(config, new Clock(), new RunningTime(), narrator, new Alarms(new Clock()));
  await store.onModuleInit();
  let stored = 0;
  return async events => store.put(await transcriptOf(events), 'transcript', `task-${++stored}`);
}

/** Temporary file, fsync, rename, and both names on disk. */
async function writePlainly(folder: string, content: string): Promise<void> {
  const path = join(folder, randomBytes(16).toString('hex'));
  const file = await open(`${path}.tmp`, 'wx');
  await file.writeFile(content);
  await file.sync();
  await file.close();
  await rename(`${path}.tmp`, path);
  await syncFolder(folder);
}

async function measure(
  writes: number,
  write: (events: readonly TaskEvent[], content: string) => Promise<void>,
): Promise<WriteTimes> {
  const all = Array.from({ length: writes }, eventsOfOneTask);
  const contents = await Promise.all(all.map(async events => (await transcriptOf(events)).json));
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < writes) {
      const n = next++;
      await write(all[n] as readonly TaskEvent[], contents[n] as string);
    }
  };
  const [before, startMs] = [process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: WRITERS }, writer));
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: (user + system) / writes, perSecond: (writes / (performance.now() - startMs)) * 1000 };
}

function eventsOfOneTask(): TaskEvent[] {
  const started = startedEvent({
    task_id: randomBytes(16).toString('hex'),
    queue_position: 0,
    predicted_start_ms: 0,
    predicted_start: { earliest_ms: 0, latest_ms: 0, basis: 'assumed' },
    engine: 'llamacpp',
    engine_version: 'b1-sim',
    pool_id: 'default',
    replica_id: 'r0',
    attempt: 1,
  });
  return [started, ...Array.from({ length: TOKENS }, (_, index) => tokenEvent(index, `#${index} `))];
}

void main(process.argv.slice(2));
