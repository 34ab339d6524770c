import { parseArgs } from 'node:util';
import { TaskClient } from '../support/task-client';
import { rssKb, startEngine, startMeasuredService } from './measured-process';
import { relay, taskStream } from './relay-load';

/*
 * Usage: npm run soak -- [--minutes 10]
 * First finds how many tasks a second go through, then runs at 70 % of that, with tokens as fast as they come, and prints the
 * service's memory by the half minute and its slope over the second half. A broken stream, a missing token or an error ends it.
 */

const SLOTS = 64;
const TOKENS = 100;
const SHARE = 0.7;
const PROBE_TASKS = 3000;
const SAMPLE_MS = 30_000;

/** Least squares, per unit of x. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const top = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return top / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
  const engine = await startEngine(SLOTS, 0);
  const service = await startMeasuredService({ ORCHD_LLAMACPP_URL: engine.url, ORCHD_ADMISSION_CAPACITY: '10000' });
  try {
    await new TaskClient(service).slotsFree(SLOTS);
    const run = taskStream(service.apiKey);
    await relay(service, run, { streams: SLOTS, tasks: PROBE_TASKS, tokens: TOKENS });
    const { seconds } = await relay(service, run, { streams: SLOTS, tasks: PROBE_TASKS, tokens: TOKENS });
    const perSecond = Math.floor((SHARE * PROBE_TASKS) / seconds);
    console.log(`${(PROBE_TASKS / seconds).toFixed(0)} tasks a second at most; soaking at ${perSecond}`);

    const startedMs = performance.now();
    const untilMs = startedMs + Number(values.minutes) * 60_000;
    const samples: [number, number][] = [];
    let tasks = 0;
    for (let nextSampleMs = startedMs; performance.now() < untilMs;) {
      const roundMs = performance.now();
      await relay(service, run, { streams: Math.min(SLOTS, perSecond), tasks: perSecond, tokens: TOKENS });
      tasks += perSecond;
      if (roundMs >= nextSampleMs) {
        const [minutes, mib] = [(roundMs - startedMs) / 60_000, rssKb(service.pid) / 1024];
        samples.push([minutes, mib]);
        console.log(`${minutes.toFixed(1)} min  ${tasks} tasks  RSS ${mib.toFixed(0)} MiB`);
        nextSampleMs += SAMPLE_MS;
      }
      await new Promise(wait => setTimeout(wait, Math.max(0, 1000 - (performance.now() - roundMs))));
    }
    const late = samples.filter(([minutes]) => minutes >= Number(values.minutes) / 2);
    const faults = service.logs().filter(line => line['level'] === 'error' || line['level'] === 'fatal');
    console.log(
      `${tasks} tasks of ${TOKENS} tokens, no stream broken, no token missing; ${faults.length} error lines; ` +
        `RSS slope over the second half ${slope(late).toFixed(2)} MiB a minute`,
    );
    if (faults.length > 0) process.exitCode = 1;
  } finally {
    await service.stop();
    await engine.stop();
  }
}

main().catch((fault: unknown) => {
  console.error(fault);
  process.exitCode = 1;
});
