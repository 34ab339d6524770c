import { setTimeout as pause } from 'node:timers/promises';
import { shown, slopeOf } from '../figures';
import type { Bench, Part, Table } from '../part';
import { cpuUsOf, rssKibOf } from '../process-usage';
import { startRelays, stopRelays, type Relay } from '../relays';
import { API_KEY } from '../service';

/** A sample of memory: minutes since the start, KiB. */
type Sample = readonly [minutes: number, rssKib: number];

const SHARE = 0.7;
const STREAMS = 64;
const TOKENS = 64;
/** Enough for everything to be compiled, and then to know the most. */
const WARM_UP_TASKS = 2000;
const MAXIMUM_TASKS = 5000;
const SAMPLE_MS = 1000;
const INTERVALS = 5;
/** A mebibyte a minute: less cannot be told from what the garbage collector does in ten minutes. */
const GOAL_KIB_A_MINUTE = 1024;
/** What is kept for a time reaches its bound well within the first half, so that a slope in the second is a leak. */
const settings = { ORCHD_TASK_RETENTION_MS: '20000', ORCHD_ARTIFACTS_MAX_BYTES: String(32 * 1024 * 1024) };

/** Minutes of steady work at 70 % of what the service can do at most. */
export function soak(minutes: number): Part {
  return {
    name: 'soak',
    title: `Soak: steady work at ${SHARE * 100} % of the maximum`,
    async run(bench) {
      const relays = await startRelays(bench.folder, 0, settings);
      try {
        const { service } = relays;
        await closedLoop(bench, service, WARM_UP_TASKS);
        const most = await closedLoop(bench, service, MAXIMUM_TASKS);
        const perSecond = most * SHARE;
        bench.say(`at most ${shown(most)} tasks a second; ${shown(perSecond)} for ${minutes} minutes`);
        return await measure(bench, service, perSecond, minutes);
      } finally {
        await stopRelays(relays);
      }
    },
  };
}

async function measure(
  bench: Bench,
  { target, pid }: Relay,
  perSecond: number,
  minutes: number,
): ReturnType<Part['run']> {
  const samples: Sample[] = [];
  const cpuBeforeUs = cpuUsOf(pid);
  const forMs = minutes * 60_000;
  const running = bench.load.run({ kind: 'soak', target, apiKey: API_KEY, perSecond, forMs, tokens: TOKENS });
  const over = new AbortController();
  const sampling = sample(pid, samples, over.signal);
  const { tasks, faults, firstFaults } = await running.finally(() => over.abort());
  await sampling;
  const cores = (cpuUsOf(pid) - cpuBeforeUs) / (forMs * 1000);
  const slopeKib = slopeOf(samples.slice(samples.length >> 1));
  return {
    method: [
      `Tasks of ${TOKENS} tokens, each begun at its time whatever became of those before, for ${minutes} minutes: ${tasks.toLocaleString('en-US')} ` +
        `in all, ${shown(perSecond)} a second. The most, with ${STREAMS} clients that never wait, was measured just before. The service took ${shown(cores)} of a core.`,
      'Retention is short (ended tasks 20 s, transcripts 32 MiB), so that whatever is kept for a time has its full size in the first half; ' +
        'the slope is that of the second half.',
      ...(firstFaults.length > 0 ? [`The first faults: ${firstFaults.join('; ')}.`] : []),
    ],
    tables: [memoryTable(samples)],
    goals: [
      {
        what: 'Soak: growth of RSS in the second half',
        got: slopeKib,
        atMost: GOAL_KIB_A_MINUTE,
        unit: 'KiB a minute',
      },
      { what: 'Soak: streams refused, broken or not whole', got: faults, atMost: 0, unit: 'streams' },
    ],
  };
}

/** Tasks a second. */
async function closedLoop(bench: Bench, { target }: Relay, tasks: number): Promise<number> {
  const job = {
    kind: 'relay',
    target,
    apiKey: API_KEY,
    streams: STREAMS,
    tasks,
    tokens: TOKENS,
    startOverMs: 0,
  } as const;
  return (tasks / (await bench.load.run(job)).tookMs) * 1000;
}

async function sample(pid: number, into: Sample[], over: AbortSignal): Promise<void> {
  const startMs = performance.now();
  while (!over.aborted) {
    into.push([(performance.now() - startMs) / 60_000, rssKibOf(pid)]);
    await pause(SAMPLE_MS, undefined, { signal: over }).catch(() => undefined);
  }
}

/** The least of each part of the time: what was there when garbage had just been collected. */
function memoryTable(samples: readonly Sample[]): Table {
  const size = Math.ceil(samples.length / INTERVALS);
  const parts = Array.from({ length: INTERVALS }, (_, n) => samples.slice(n * size, (n + 1) * size)).filter(
    part => part.length > 0,
  );
  const mib = (kib: number): string => shown(kib / 1024);
  return {
    caption: 'RSS of the service in MiB',
    head: ['until minute', 'least', 'most'],
    rows: parts.map(part => {
      const sizes = part.map(([, kib]) => kib);
      return [shown(part.at(-1)?.[0] ?? 0), mib(Math.min(...sizes)), mib(Math.max(...sizes))];
    }),
  };
}
