import { setTimeout as pause } from 'node:timers/promises';
import { alternately, middle } from '../alternately';
import { shown, type Latency } from '../figures';
import { LoadProcess } from '../load/load-process';
import type { Bench, Goal, Part, Table } from '../part';
import { startRelays, stopRelays, type Relay, type Relays } from '../relays';
import { API_KEY } from '../service';
import { syncLatency } from '../sync-times';

const GOAL_MS = 1.5;
/** Of the journal, before the first token of a task is sent: its admission, and the mark that it has begun. */
const SYNCS = 2;
const SYNCS_MEASURED = 200;
/** The first token comes at once; the second only shows that the stream goes on. */
const TOKENS = 2;
const TOKEN_MS = 20;
const BUSY_STREAMS = 200;
const PROBING_CLIENTS = 4;

/** From the first byte of `POST /v2/tasks` to the first token of its stream, against asking the engine itself. */
export const firstToken: Part = {
  name: 'first-token',
  title: 'First token: the time that is added to it',
  async run(bench) {
    const relays = await startRelays(bench.folder, TOKEN_MS);
    try {
      const [unloaded, goal] = await measureUnloaded(bench, relays);
      const busy = await measureBusy(bench, relays);
      return {
        method: [
          `From sending the request to the first token of the stream; the engine sends it at once. Through the service that is two ` +
            `requests, and ${SYNCS} commits of the journal, each with its sync: admission, and first token.`,
          `"one sync" is a write of 16 KiB and fdatasync on the same disk, in the same rounds.`,
        ],
        tables: [unloaded, busy],
        goals: [goal],
      };
    } finally {
      await stopRelays(relays);
    }
  },
};

async function measureUnloaded(bench: Bench, relays: Relays): Promise<[Table, Goal]> {
  const probe =
    ({ target }: Relay) =>
    async (): Promise<Latency> => {
      const latency = await probeWith(bench.load, target, 1, bench.size(200, 40));
      bench.say(`${target.name}: ${shown(latency.p50Ms)} ms to the first token`);
      return latency;
    };
  const { direct, service, sync, pipe } = await alternately(bench.runs, {
    direct: probe(relays.direct),
    service: probe(relays.service),
    sync: () => Promise.resolve(syncLatency(bench.folder, SYNCS_MEASURED)),
    pipe: probe(relays.pipe),
  });
  const rows = [
    row('engine, asked directly', direct, direct),
    row('byte pipe', pipe, direct),
    row('orchestratord', service, direct),
    [...row('one sync', sync, direct).slice(0, 3), '', ''],
  ];
  const got = p50Of(service) - p50Of(direct) - SYNCS * p50Of(sync);
  const what = `First token, unloaded: p50 added, beyond ${SYNCS} syncs of ${shown(p50Of(sync))} ms`;
  return [
    { caption: 'One stream at a time', head, rows },
    { what, got, atMost: GOAL_MS, unit: 'ms' },
  ];
}

/** While 200 other streams run, of a load process of their own. */
async function measureBusy(bench: Bench, relays: Relays): Promise<Table> {
  const other = new LoadProcess();
  const startOverMs = bench.size(1000, 500);
  const probe =
    ({ target }: Relay) =>
    async (): Promise<Latency> => {
      const busy = other.run({
        kind: 'relay',
        target,
        apiKey: API_KEY,
        streams: BUSY_STREAMS,
        tasks: BUSY_STREAMS,
        tokens: bench.size(300, 70),
        startOverMs,
      });
      await pause(startOverMs);
      const latency = await probeWith(bench.load, target, PROBING_CLIENTS, bench.size(200, 40));
      await busy;
      bench.say(`${target.name}, busy: ${shown(latency.p50Ms)} ms to the first token`);
      return latency;
    };
  try {
    const variants = {
      direct: probe(relays.direct),
      pipe: probe(relays.pipe),
      service: probe(relays.service),
    };
    // A round takes seconds: a quick run has one, and what was asked for before has warmed up.
    const none = (): Promise<void> => Promise.resolve();
    const { direct, pipe, service } = bench.quick
      ? await alternately(1, variants, { direct: none, pipe: none, service: none })
      : await alternately(bench.runs, variants);
    const rows = [
      row('engine, asked directly', direct, direct),
      row('byte pipe', pipe, direct),
      row('orchestratord', service, direct),
    ];
    return { caption: `Beside ${BUSY_STREAMS} streams with a token every ${TOKEN_MS} ms`, head, rows };
  } finally {
    other.stop();
  }
}

async function probeWith(load: LoadProcess, target: Relay['target'], streams: number, tasks: number): Promise<Latency> {
  const job = {
    kind: 'relay',
    target,
    apiKey: API_KEY,
    streams,
    tasks,
    tokens: TOKENS,
    startOverMs: TOKEN_MS,
  } as const;
  return (await load.run(job)).firstToken;
}

const head = ['', 'p50 ms', 'p99 ms', 'added, p50', 'added, p99'];

function row(name: string, runs: readonly Latency[], direct: readonly Latency[]): string[] {
  const [p50, p99] = [p50Of(runs), p99Of(runs)];
  const added = runs === direct ? ['', ''] : [shown(p50 - p50Of(direct)), shown(p99 - p99Of(direct))];
  return [name, shown(p50), shown(p99), ...added];
}

function p50Of(runs: readonly Latency[]): number {
  return middle(runs, ({ p50Ms }) => p50Ms);
}

function p99Of(runs: readonly Latency[]): number {
  return middle(runs, ({ p99Ms }) => p99Ms);
}
