import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startService, type RunningService } from '../support/service';

/**
 * What the journal costs an admission: the service as it is against the same one with a journal that keeps nothing, in turns.
 * Both are run from their sources, for of what is built nothing can be exchanged.
 *
 * Usage: node -r ./tools/sources.cjs test/crash/journal-cost.ts [--runs 5] [--seconds 4]
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});

const CLIENT_COUNTS = [1, 16, 64];
const WARM_UP_MS = 1500;
/** Clock ticks a second in /proc/<pid>/stat. */
const TICKS_PER_SECOND = 100;

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

async function main(): Promise<void> {
  console.log('clients  journal  admissions/s   p50 ms   p99 ms   CPU µs each');
  for (const clients of CLIENT_COUNTS) {
    const withJournal: Figures[] = [];
    const without: Figures[] = [];
    for (let run = 0; run < Number(values.runs); run++) {
      withJournal.push(await measure(clients, true));
      without.push(await measure(clients, false));
    }
    const [on, off] = [middle(withJournal), middle(without)];
    print(clients, 'on', on);
    print(clients, 'none', off);
    console.log(
      `${String(clients).padStart(7)}  ratio    ${(on.perSecond / off.perSecond).toFixed(2).padStart(12)} ` +
        `${(on.p50Ms / off.p50Ms).toFixed(2).padStart(8)} ${(on.p99Ms / off.p99Ms).toFixed(2).padStart(8)} ${(on.cpuUs / off.cpuUs).toFixed(2).padStart(13)}`,
    );
  }
}

async function measure(clients: number, keeps: boolean): Promise<Figures> {
  const env = { ORCHD_FALLBACK: 'wait', ORCHD_ADMISSION_CAPACITY: '1000000', ORCHD_LOG_LEVEL: 'info' };
  const service = await startService({
    program: keeps ? 'src/main.ts' : 'test/crash/forgetful-service.ts',
    nodeArgs: ['-r', resolve('tools/sources.cjs')],
    env,
  });
  try {
    await admitFor(service, clients, WARM_UP_MS);
    const cpuBeforeUs = cpuUsOf(service.pid);
    const startMs = performance.now();
    const timesMs = await admitFor(service, clients, Number(values.seconds) * 1000);
    const seconds = (performance.now() - startMs) / 1000;
    timesMs.sort((a, b) => a - b);
    return {
      perSecond: timesMs.length / seconds,
      p50Ms: timesMs[timesMs.length >> 1] as number,
      p99Ms: timesMs[Math.floor(timesMs.length * 0.99)] as number,
      cpuUs: (cpuUsOf(service.pid) - cpuBeforeUs) / timesMs.length,
    };
  } finally {
    await service.stop('SIGKILL');
  }
}

async function admitFor(service: RunningService, clients: number, forMs: number): Promise<number[]> {
  const timesMs: number[] = [];
  const endMs = performance.now() + forMs;
  const client = async (): Promise<void> => {
    for (let sentMs = performance.now(); sentMs < endMs; sentMs = performance.now()) {
      const body = { prompt: 'x'.repeat(300), deadline_ms: 3_600_000 };
      const { status, text } = await service.request('POST', '/v2/tasks', { body });
      if (status !== 202) throw new Error(`an admission was answered ${status} ${text}`);
      timesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return timesMs;
}

/** User and system time of all threads. */
function cpuUsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

/** Of each figure the median of the runs. */
function middle(runs: readonly Figures[]): Figures {
  const median = (key: keyof Figures): number =>
    runs.map(run => run[key]).sort((a, b) => a - b)[runs.length >> 1] as number;
  return { perSecond: median('perSecond'), p50Ms: median('p50Ms'), p99Ms: median('p99Ms'), cpuUs: median('cpuUs') };
}

function print(clients: number, journal: string, { perSecond, p50Ms, p99Ms, cpuUs }: Figures): void {
  console.log(
    `${String(clients).padStart(7)}  ${journal.padEnd(7)}  ${perSecond.toFixed(0).padStart(12)} ${p50Ms.toFixed(2).padStart(8)} ${p99Ms.toFixed(2).padStart(8)} ${cpuUs.toFixed(0).padStart(13)}`,
  );
}

void main();
