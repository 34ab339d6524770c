import { setTimeout as pause } from 'node:timers/promises';
import { writeOrCheck } from '../../../tools/generated-file';
import { SteppingEngine } from '../engine/stepping-engine';
import { median } from '../figures';
import type { Program } from '../program';
import { startService } from '../service';
import { makeWorkFolder } from '../work-folder';
import type { Arrival, Visit } from './inspected-thread';
import { SteppedTasks, type Step } from './stepped-tasks';
import type { Question } from './visit-recorder';
import { visitedDoc, visitedText, type Visited } from './visited-table';

/**
 * Which files of `src/` have functions that run for a submission, for one token of a stream that is read, and for the end of a task, in the order in
 * which they are first come to. The service runs from its sources, each file a script of its own; V8 counts the calls of each function.
 *
 * Usage: npm run way [-- --write]   (prints them; writes them into docs/the-way-of-a-task.md)
 */

/** Rounds that are not counted: what is made once, or learned. */
const WARM_UPS = 5;
/** What belongs to a step runs in each of them, and what a timer does by chance does not. */
const ROUNDS = 10;
/** Log lines and the like are written behind an answer. */
const REST_MS = 20;
/** Longer than what a step leaves to a timer takes (events are copied after 100 ms). */
const AFTER_MS = 150;

/** What ran in a step, and in an interval of the same length in which nothing was asked for. */
interface Sample {
  readonly ran: readonly Visit[];
  readonly idle: readonly Visit[];
}

type Place = Pick<Visit, 'thread' | 'file' | 'offset'>;

const keyOf = ({ thread, file, offset }: Place): string => `${thread} ${file} ${offset}`;

/** What ran in each sample, and more often than it does by itself. */
function visitsOf(samples: readonly Sample[]): readonly Visit[] {
  const counts = (visits: readonly Visit[]) => new Map(visits.map(visit => [keyOf(visit), visit.count]));
  const ran = samples.map(sample => counts(sample.ran));
  const idle = samples.map(sample => counts(sample.idle));
  return (samples[0]?.ran ?? []).filter(visit => {
    const least = Math.min(...ran.map(sample => sample.get(keyOf(visit)) ?? 0));
    return least > median(idle.map(sample => sample.get(keyOf(visit)) ?? 0));
  });
}

/** The files of these, each once, in order; those of which no arrival was noted come last. */
function inOrder(visits: readonly Visit[], arrivals: readonly Arrival[]): readonly Visited[] {
  const wanted = new Set(visits.map(keyOf));
  const noted = arrivals.filter(arrival => wanted.has(keyOf(arrival))).sort((a, b) => a.atMs - b.atMs);
  const files = new Map<string, Visited>();
  for (const { thread, file } of [...noted, ...visits])
    if (!files.has(`${thread} ${file}`)) files.set(`${thread} ${file}`, { thread, file });
  return [...files.values()];
}

async function measure(service: Program, tasks: SteppedTasks): Promise<Readonly<Record<Step, readonly Visited[]>>> {
  const ask = <R>(question: Question): Promise<R> => service.ask<R>(question);
  const taken = (): Promise<readonly Visit[]> => ask({ ask: 'take' });
  const samples: Record<Step, Sample[]> = { submission: [], token: [], end: [] };
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    await tasks.run(async (step, work) => {
      // By chance, so that what the step before has left to a timer does not fall into this one in each round.
      await pause(AFTER_MS * Math.random());
      await taken();
      const beganMs = performance.now();
      await work();
      await pause(REST_MS);
      const tookMs = performance.now() - beganMs;
      const ran = await taken();
      await pause(AFTER_MS);
      await taken();
      await pause(tookMs);
      const idle = await taken();
      if (round >= 0) samples[step].push({ ran, idle });
    });
  }
  const visits = {
    submission: visitsOf(samples.submission),
    token: visitsOf(samples.token),
    end: visitsOf(samples.end),
  };
  const each = new Map(Object.values(visits).flatMap(list => list.map(visit => [keyOf(visit), visit] as const)));
  await ask({ ask: 'watch', visits: [...each.values()] });
  const arrivals: Record<Step, readonly Arrival[]> = { submission: [], token: [], end: [] };
  await tasks.run(async (step, work) => {
    await ask({ ask: 'order' });
    await work();
    await pause(REST_MS);
    arrivals[step] = await ask({ ask: 'order' });
  });
  return {
    submission: inOrder(visits.submission, arrivals.submission),
    token: inOrder(visits.token, arrivals.token),
    end: inOrder(visits.end, arrivals.end),
  };
}

async function main(args: readonly string[]): Promise<void> {
  const engine = new SteppingEngine();
  const settings = { ORCHD_LLAMACPP_URL: `http://127.0.0.1:${await engine.start()}` };
  const service = await startService(makeWorkFolder(), settings, {
    program: 'src/main.ts',
    preload: 'test/bench/inside/visit-recorder.ts',
    isAsked: true,
  });
  const tasks = new SteppedTasks(engine, service.port);
  try {
    await tasks.ready();
    const visited = await measure(service, tasks);
    process.stdout.write(visitedText(visited));
    if (args.includes('--write')) await writeOrCheck(visitedDoc(visited), []);
  } finally {
    tasks.close();
    await service.stop();
    engine.stop();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
