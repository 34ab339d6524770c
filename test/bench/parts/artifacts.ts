import { randomBytes } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/config';
import { Logger } from '../../../src/observability/logger';
import { Narrator } from '../../../src/observability/narrator';
import { FileArtifactStore } from '../../../src/storage/files/file-artifact-store';
import { endEvent, tokenEvent } from '../../../src/tasks/stream/task-events';
import { transcriptOf } from '../../../src/tasks/transcript/transcript';
import { Clock } from '../../../src/time/clock';
import { temporaryFolder } from '../../support/temporary-folder';
import { cpuUs } from '../measured-process';
import { NO_GOAL, type Part, type PartResult, type Size } from '../part';
import { ROUNDS } from '../rounds';
import { median } from '../statistics';

const TOKENS = 300;
const COUNT: Readonly<Record<Size, number>> = { quick: 300, full: 2000 };

const end = endEvent({ tokens_out: TOKENS, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });

/** Events of a transcript that no other is like. */
function freshEvents(): ReturnType<typeof tokenEvent>[] {
  const salt = randomBytes(4).toString('hex');
  return [...Array.from({ length: TOKENS }, (_, at) => tokenEvent(at, ` word ${salt}`)), end];
}

/** Written, synced, and given its name: what a file that survives a crash costs at least, short of its folder's sync. */
async function plainWrite(folder: string, json: string): Promise<void> {
  const path = join(folder, randomBytes(8).toString('hex'));
  const file = await open(`${path}.new`, 'wx');
  await file.writeFile(json);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
}

async function measure(size: Size): Promise<PartResult> {
  const folder = temporaryFolder();
  try {
    const { config } = loadConfig({ ORCHD_DATA_DIR: folder.path });
    const store = new FileArtifactStore(config, new Clock(), new Narrator(new Logger(config)));
    await store.onModuleInit();
    const storeOne = async (): Promise<void> =>
      store.put(await transcriptOf(freshEvents()), 'transcript', randomBytes(8).toString('hex'));
    const writeOne = async (): Promise<void> => plainWrite(folder.path, (await transcriptOf(freshEvents())).json);
    const figures: Record<string, { wall: number[]; cpu: number[] }> = {};
    for (let round = 0; round <= ROUNDS[size]; round++) {
      for (const [name, work] of Object.entries({ 'written and synced': writeOne, 'artifact store': storeOne })) {
        const [cpu, fromMs] = [cpuUs(process.pid), performance.now()];
        for (let n = 0; n < COUNT[size]; n++) await work();
        const figure = (figures[name] ??= { wall: [], cpu: [] });
        if (round === 0) continue; // Warm.
        figure.wall.push((performance.now() - fromMs) / COUNT[size]);
        figure.cpu.push((cpuUs(process.pid) - cpu) / COUNT[size]);
      }
    }
    const floor = median(figures['written and synced']?.cpu ?? []);
    const rows = Object.entries(figures).map(([name, { wall, cpu }]) => [
      name,
      median(cpu).toFixed(0),
      (median(cpu) / floor).toFixed(2),
      median(wall).toFixed(2),
    ]);
    return {
      title: 'Artifact writes',
      what: `Transcripts of ${TOKENS} tokens, put together, hashed and stored one after the other, each on disk before the next.`,
      columns: ['', 'CPU µs each', 'ratio', 'ms each'],
      rows,
      verdict: NO_GOAL,
    };
  } finally {
    folder.remove();
  }
}

export const artifactsPart: Part = { name: 'artifacts', run: measure };
