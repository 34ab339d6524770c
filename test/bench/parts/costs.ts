import { alternately, middle } from '../alternately';
import { shown, times } from '../figures';
import type { RelayJob } from '../load/job';
import type { Bench, Goal, Part } from '../part';
import { withCpuOf } from '../process-usage';
import { startRelays, stopRelays, type Relay, type Relays } from '../relays';
import { API_KEY } from '../service';
import { syncLatency } from '../sync-times';

/** What more tokens of a stream cost: the difference between streams of two lengths, for all that a task costs falls out of it. */
interface Slope {
  readonly streams: number;
  readonly tokenMs: number;
  readonly short: number;
  readonly long: number;
}

const SLOTS = 2304;
const SYNCS_MEASURED = 200;
const AT_ONCE = 64;

type Row = readonly [what: string, ours: string, floor: string, ratio: string, least: string, goal: string];

/** What others of the field are measured by from outside, beside the byte pipe of the same run. */
export const costs: Part = {
  name: 'costs',
  title: 'A token and a task, beside a byte pipe',
  async run(bench) {
    const rows: Row[] = [];
    const goals: Goal[] = [];
    const add = (what: string, ours: number, pipe: number, atMost: number, durable?: number): void => {
      const durableFloor = durable === undefined ? '' : `${shown(durable)} µs`;
      rows.push([what, `${shown(ours)} µs`, `${shown(pipe)} µs`, times(ours, pipe), durableFloor, `≤ ${atMost} ×`]);
      goals.push({ what: `Costs: ${what}: CPU, to the byte pipe`, got: ours / pipe, atMost, unit: '×' });
    };
    const paced = { streams: 200, tokenMs: 20, short: 50, long: bench.size(300, 150) };
    const many = { streams: bench.size(2000, 1000), tokenMs: 100, short: 20, long: bench.size(70, 40) };
    const [token, tokenFloor] = await slopeOf(bench, paced);
    add('token', token, tokenFloor, 1.4);
    const { service: task, pipe: taskFloor, durableFloor } = await atOnce(bench);
    add('task', task, taskFloor, 4, durableFloor);
    const [stream, streamFloor] = await slopeOf(bench, many);
    add(`${many.streams.toLocaleString('en-US')} streams`, stream, streamFloor, 1.6);
    const { lone, loneFloor, submission, submissionFloor, syncMs } = await loneTask(bench);
    for (const [what, ms, floorMs, mostMs] of [
      ['lone', lone, loneFloor, 0.7],
      ['lone submission', submission, submissionFloor, 0.5],
    ] as const) {
      rows.push([
        what,
        `${shown(ms)} ms`,
        `${shown(syncMs)} ms`,
        '',
        `${shown(floorMs)} ms`,
        `≤ the sync + ${mostMs} ms`,
      ]);
      goals.push({ what: `Costs: ${what}: p50 beyond one sync`, got: ms - syncMs, atMost: mostMs, unit: 'ms' });
    }
    return {
      method: [
        `CPU time of the process (all threads), one engine, the same clients and checks for both. **token**: slope between streams of ${paced.short} and ` +
          `${paced.long} tokens, ${paced.streams} of them, ${paced.tokenMs} ms apart. **task**: one token, ${AT_ONCE} at once, \`POST\` and stream. **streams**: ` +
          `slope between ${many.short} and ${many.long} tokens, ${many.tokenMs} ms apart.`,
        "**lone**: first token, one task at a time, less the engine's own; **lone submission**: `POST` to its 202. Their floor is one sync: a write of 16 KiB and " +
          'fdatasync on the same disk in the same rounds.',
        '**durable floor**: a bare server of durable tasks on core HTTP, with one log and no queue, keys, checks, predictions, metrics, log lines or recovery (`test/bench/floors/durable.ts`).',
      ],
      tables: [{ caption: 'Medians', head: ['', 'orchestratord', 'floor', 'ratio', 'durable floor', 'goal'], rows }],
      goals,
    };
  },
};

async function slopeOf(bench: Bench, { streams, tokenMs, short, long }: Slope): Promise<[ours: number, pipe: number]> {
  return withRelays(bench, tokenMs, async ({ service, pipe }) => {
    const cpuOf = async (relay: Relay, tokens: number): Promise<number> =>
      (await measured(bench, relay, { streams, tasks: streams, tokens, startOverMs: 10 * tokenMs })).cpuUs;
    const one = (relay: Relay) => async (): Promise<number> => {
      const least = await cpuOf(relay, short);
      const slope = ((await cpuOf(relay, long)) - least) / (streams * (long - short));
      bench.say(`${relay.target.name}, ${streams} streams: ${shown(slope)} µs a token`);
      return slope;
    };
    return mediansOf(bench, { service: one(service), pipe: one(pipe) });
  });
}

type Costs = Readonly<Record<'service' | 'pipe' | 'durableFloor', number>>;

async function atOnce(bench: Bench): Promise<Costs> {
  return withRelays(bench, 0, async ({ service, pipe, durableFloor }) => {
    const tasks = bench.size(6000, 2000);
    const job = { streams: AT_ONCE, tokens: 1, startOverMs: 0 };
    const one = (relay: Relay) => async (): Promise<number> => {
      const us = (await measured(bench, relay, { ...job, tasks })).cpuUs / tasks;
      bench.say(`${relay.target.name}: ${shown(us)} µs a task`);
      return us;
    };
    for (const relay of [service, pipe, durableFloor]) await measured(bench, relay, { ...job, tasks: 8000 });
    const runs = await alternately(bench.runs, {
      service: one(service),
      pipe: one(pipe),
      durableFloor: one(durableFloor),
    });
    const of = (each: readonly number[]): number => middle(each, us => us);
    return { service: of(runs.service), pipe: of(runs.pipe), durableFloor: of(runs.durableFloor) };
  });
}

/** Milliseconds. */
type LoneTimes = Readonly<Record<'lone' | 'loneFloor' | 'submission' | 'submissionFloor' | 'syncMs', number>>;

async function loneTask(bench: Bench): Promise<LoneTimes> {
  return withRelays(bench, 0, async ({ service, durableFloor, direct }) => {
    const first = (relay: Relay) => async (): Promise<number> => {
      const job = { streams: 1, tasks: bench.size(300, 60), tokens: 1, startOverMs: 0 };
      return (await measured(bench, relay, job)).firstToken.p50Ms;
    };
    const submit = (relay: Relay) => async (): Promise<number> => {
      const { port } = relay.target;
      const job = {
        kind: 'admission',
        port,
        apiKey: API_KEY,
        clients: 1,
        forMs: bench.size(1000, 300),
        tokens: 1,
      } as const;
      return (await bench.load.run(job)).latency.p50Ms;
    };
    for (const relay of [service, durableFloor])
      await measured(bench, relay, { streams: 16, tasks: 4000, tokens: 1, startOverMs: 0 });
    const results = await alternately(bench.runs, {
      service: first(service),
      durableFloor: first(durableFloor),
      direct: first(direct),
      submit: submit(service),
      submitFloor: submit(durableFloor),
      sync: () => Promise.resolve(syncLatency(bench.folder, SYNCS_MEASURED).p50Ms),
    });
    const of = (runs: readonly number[]): number => middle(runs, ms => ms);
    const lone = of(results.service) - of(results.direct);
    bench.say(
      `lone: ${shown(lone)} ms, submission ${shown(of(results.submit))} ms, sync ${shown(of(results.sync))} ms`,
    );
    return {
      lone,
      loneFloor: of(results.durableFloor) - of(results.direct),
      submission: of(results.submit),
      submissionFloor: of(results.submitFloor),
      syncMs: of(results.sync),
    };
  });
}

async function mediansOf(
  bench: Bench,
  variants: { service: () => Promise<number>; pipe: () => Promise<number> },
): Promise<[ours: number, pipe: number]> {
  const { service, pipe } = await alternately(bench.runs, variants);
  return [middle(service, us => us), middle(pipe, us => us)];
}

async function withRelays<T>(bench: Bench, tokenMs: number, work: (relays: Relays) => Promise<T>): Promise<T> {
  const relays = await startRelays(bench.folder, tokenMs, {}, SLOTS);
  try {
    return await work(relays);
  } finally {
    await stopRelays(relays);
  }
}

type Load = Pick<RelayJob, 'streams' | 'tasks' | 'tokens' | 'startOverMs'>;

function measured(bench: Bench, { target, pid }: Relay, load: Load) {
  return withCpuOf(pid, () => bench.load.run({ kind: 'relay', target, apiKey: API_KEY, ...load }));
}
