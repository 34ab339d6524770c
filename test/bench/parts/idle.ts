import { middle } from '../alternately';
import { shown, times, type Latency } from '../figures';
import { LoadProcess } from '../load/load-process';
import type { Bench, Part } from '../part';
import { cpuUsOf, rssKibOf } from '../process-usage';
import { Program } from '../program';
import { API_KEY, startService } from '../service';

interface Run {
  /** What RSS grows by for one stream, with its task where there is one. */
  readonly rssKib: number;
  /** In use after a collection of garbage. */
  readonly taskHeapKib: number;
  readonly streamHeapKib: number;
  readonly healthz: Latency;
  /** Share of one core while nothing happens but heartbeats. */
  readonly cpuShare: number;
  /** As the service's own metrics say; undefined for the floor. */
  readonly loopP99Ms: number | undefined;
}

/** Tasks and streams before the counted ones, so that code and buffers which all share are there. */
const WARM_UP = 200;
const PROBE_EVERY_MS = 20;
const preload = 'test/bench/inside/memory-on-signal.ts';

/** Memory of a task that waits and of a stream that waits with it, and how the event loop fares meanwhile. */
export const idle: Part = {
  name: 'idle',
  title: 'Idle streams: the cost of waiting',
  async run(bench) {
    const count = bench.size(5000, 1000);
    const service: Run[] = [];
    const floor: Run[] = [];
    const held = new LoadProcess();
    for (let run = 0; run < (bench.quick ? 1 : bench.runs); run++) {
      const settings = { ORCHD_FALLBACK: 'wait', ORCHD_ADMISSION_CAPACITY: '100000' };
      service.push(await measure(bench, held, await startService(bench.folder, settings, { preload }), count, true));
      const bare = await Program.start({ program: 'test/bench/floors/idle.ts', preload, folder: bench.folder });
      floor.push(await measure(bench, held, bare, count, false));
    }
    held.stop();
    const rssKib = (runs: readonly Run[]): number => middle(runs, run => run.rssKib);
    const row = (name: string, runs: readonly Run[]): string[] => [
      name,
      shown(rssKib(runs)),
      times(rssKib(runs), rssKib(floor)),
      runs === service ? shown(middle(runs, run => run.taskHeapKib)) : '',
      shown(middle(runs, run => run.streamHeapKib)),
    ];
    const loopRow = (name: string, runs: readonly Run[]): string[] => [
      name,
      shown(middle(runs, run => run.cpuShare * 100)),
      shown(middle(runs, run => run.healthz.p50Ms)),
      shown(middle(runs, run => run.healthz.p99Ms)),
      runs === service ? shown(middle(runs, run => run.loopP99Ms ?? 0)) : '',
    ];
    return {
      method: [
        `${count.toLocaleString('en-US')} tasks that wait for an engine (\`ORCHD_FALLBACK=wait\`), then a stream on each, in a fresh process each run. The floor is a core ` +
          'HTTP server that holds the same responses open.',
        'RSS is of both together, as it stands: pages that submitting needed serve the streams afterwards, so it cannot be told ' +
          'apart. The heap (with what is external to it) is what is in use after garbage was collected, on a signal, by a preloaded file.',
        '"Event loop p99" is `nodejs_eventloop_lag_p99_seconds` of `/metrics` over the idle time; its sampling interval of 10 ms is ' +
          'part of it. `/healthz` is asked every 20 ms meanwhile.',
      ],
      tables: [
        {
          caption: 'Memory',
          head: ['', 'RSS: KiB a stream and its task', 'to the floor', 'heap: KiB a task', 'heap: KiB a stream'],
          rows: [row('orchestratord', service), row('core HTTP', floor)],
        },
        {
          caption: 'At rest, with all streams open',
          head: ['', 'CPU %', '`/healthz` p50 ms', 'p99 ms', 'event loop p99 ms'],
          rows: [loopRow('orchestratord', service), loopRow('core HTTP', floor)],
        },
      ],
      goals: [],
    };
  },
};

async function measure(
  bench: Bench,
  held: LoadProcess,
  program: Program,
  count: number,
  isService: boolean,
): Promise<Run> {
  const { pid, port } = program;
  const step = (name: string, size: number, kind: 'submit' | 'hold' | 'release') =>
    held.run({ kind: 'idle', port, apiKey: API_KEY, name, count: size, step: kind });
  try {
    if (isService) await step('warm', WARM_UP, 'submit');
    await step('warm', WARM_UP, 'hold');
    const heapKib = await program.heapKib();
    const beforeKib = rssKibOf(pid);
    if (isService) await step('idle', count, 'submit');
    const heapSubmittedKib = await program.heapKib();
    await step('idle', count, 'hold');
    const rssKib = (rssKibOf(pid) - beforeKib) / count;
    const heapHeldKib = await program.heapKib();
    if (isService) await loopP99Ms(port); // Asking for the figure begins it anew.
    const cpuBeforeUs = cpuUsOf(pid);
    const forMs = bench.size(20_000, 4000);
    const healthz = await bench.load.run({ kind: 'probe', port, path: '/healthz', everyMs: PROBE_EVERY_MS, forMs });
    const cpuShare = (cpuUsOf(pid) - cpuBeforeUs) / (forMs * 1000);
    const loop = isService ? await loopP99Ms(port) : undefined;
    await step('idle', count, 'release');
    bench.say(`${isService ? 'service' : 'core HTTP'}: ${shown(rssKib)} KiB of RSS a stream`);
    const taskHeapKib = (heapSubmittedKib - heapKib) / count;
    const streamHeapKib = (heapHeldKib - heapSubmittedKib) / count;
    return { rssKib, taskHeapKib, streamHeapKib, healthz, cpuShare, loopP99Ms: loop };
  } finally {
    await program.stop('SIGKILL');
  }
}

async function loopP99Ms(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(text)?.[1]) * 1000;
}
