import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TaskClient } from '../../support/task-client';
import { temporaryFolder } from '../../support/temporary-folder';
import { startEngine, startMeasuredService } from '../measured-process';
import { verdictOf, type Part, type PartResult, type Size } from '../part';
import { engineStream, relay, taskStream } from '../relay-load';
import { median, quantile } from '../statistics';

const SLOTS = 4;
/** Admission and first-token mark: each is on disk before it is seen. */
const SYNCS = 2;
const GOAL_MS = 1.5;

/** What one small append and sync costs on the disk that the journal is on, in milliseconds. */
function syncMs(count: number): number[] {
  const folder = temporaryFolder();
  const file = openSync(join(folder.path, 'probe'), 'w');
  try {
    return Array.from({ length: count }, () => {
      writeSync(file, Buffer.alloc(4096));
      const fromMs = performance.now();
      fsyncSync(file);
      return performance.now() - fromMs;
    });
  } finally {
    closeSync(file);
    folder.remove();
  }
}

async function measure(size: Size): Promise<PartResult> {
  const engine = await startEngine(SLOTS, 20);
  const service = await startMeasuredService({ ORCHD_LLAMACPP_URL: engine.url });
  try {
    await new TaskClient(service).slotsFree(SLOTS);
    const load = { streams: 1, tasks: size === 'full' ? 300 : 60, tokens: 2 };
    const direct: number[] = [];
    const through: number[] = [];
    for (let round = 0; round < (size === 'full' ? 4 : 2); round++) {
      const plain = await relay(engine, engineStream, load);
      const task = await relay(service, taskStream(service.apiKey), load);
      if (round === 0) continue; // Warm.
      direct.push(...plain.firstTokenMs);
      through.push(...task.firstTokenMs);
    }
    const syncs = syncMs(size === 'full' ? 300 : 60);
    const row = (name: string, of: readonly number[]): string[] => [
      name,
      quantile(of, 0.5).toFixed(2),
      quantile(of, 0.99).toFixed(2),
    ];
    const added = median(through) - median(direct);
    const beyond = added - SYNCS * median(syncs);
    return {
      title: 'Time to the first token, unloaded',
      what:
        'One client, one task at a time: from sending `POST /v2/tasks` to the first token of its stream, two requests one after the other, ' +
        'against one request straight to the engine. One sync is a 4 KiB append and fsync on the same disk.',
      columns: ['', 'p50, ms', 'p99, ms'],
      rows: [row('straight to the engine', direct), row('orchestratord', through), row('one sync', syncs)],
      verdict: `${added.toFixed(2)} ms are added at the median. ${verdictOf('Beyond the two syncs of the journal', beyond, GOAL_MS, 'ms')}`,
    };
  } finally {
    await service.stop();
    await engine.stop();
  }
}

export const firstTokenPart: Part = { name: 'first-token', run: measure };
