import { alternately, middle } from '../alternately';
import { shown, times } from '../figures';
import type { RelayResult } from '../load/job';
import type { Target } from '../load/requests';
import type { Bench, Goal, Part, Table } from '../part';
import { withCpuOf } from '../process-usage';
import { API_KEY } from '../service';
import { startRelays, stopRelays } from '../relays';

/** How a relay is loaded. */
interface Way {
  readonly title: string;
  readonly goal: number;
  readonly streams: number;
  readonly tasks: number;
  readonly tokens: number;
  /** 0: as fast as the socket takes them. */
  readonly tokenMs: number;
  readonly startOverMs: number;
}

/** From `POST /v2/tasks` to the end of the stream, with the transcript stored, against relays that do less. */
export const relay: Part = {
  name: 'relay',
  title: 'Relay: the cost of a token',
  async run(bench) {
    const paced: Way = {
      title: 'Paced: 200 streams, a token every 20 ms',
      goal: 1.2,
      streams: 200,
      tasks: 200,
      tokens: bench.size(300, 80),
      tokenMs: 20,
      startOverMs: bench.size(1000, 400),
    };
    const burst: Way = {
      title: 'Burst: 64 streams of 256 tokens, as fast as possible',
      goal: 2.5,
      streams: 64,
      tasks: bench.size(960, 256),
      tokens: 256,
      tokenMs: 0,
      startOverMs: 0,
    };
    const [pacedTable, pacedGoal] = await measure(bench, paced);
    const [burstTable, burstGoal] = await measure(bench, burst);
    return {
      method: [
        'CPU time of the relaying process (all threads) for a token, the whole way of its task included: `POST /v2/tasks`, ' +
          'journal, dispatch, `GET …/events` up to `end`, transcript on disk. Each client has one connection and one session.',
        'The floors relay `POST /completion` of the same engine to the same clients. The byte pipe reads nothing of what it ' +
          'passes on; "parse and re-frame" parses each frame, hashes it and writes a frame of its own, and does nothing else ' +
          'that the service does.',
        `Paced: ${paced.tasks} streams of ${paced.tokens} tokens a run. Burst: ${burst.tasks} streams of ${burst.tokens} tokens a run. ` +
          'Every token of every stream is checked: a missing, doubled or misplaced one fails the run.',
      ],
      tables: [pacedTable, burstTable],
      goals: [pacedGoal, burstGoal],
    };
  },
};

async function measure(bench: Bench, way: Way): Promise<[Table, Goal]> {
  const relays = await startRelays(bench.folder, way.tokenMs);
  const run = (target: Target, pid: number) => async (): Promise<RelayResult & { cpuUs: number }> => {
    const { streams, tasks, tokens, startOverMs } = way;
    const job = { kind: 'relay', target, apiKey: API_KEY, streams, tasks, tokens, startOverMs } as const;
    const result = await withCpuOf(pid, () => bench.load.run(job));
    bench.say(`${target.name}: ${shown(result.cpuUs / result.tokens)} µs a token`);
    return result;
  };
  try {
    const { service, pipe, reframe } = relays;
    const results = await alternately(bench.runs, {
      service: run(service.target, service.pid),
      pipe: run(pipe.target, pipe.pid),
      reframe: run(reframe.target, reframe.pid),
    });
    const floorUs = cpuOf(results.pipe);
    const row = (name: string, runs: typeof results.pipe): string[] => [
      name,
      shown(cpuOf(runs)),
      times(cpuOf(runs), floorUs),
      shown(middle(runs, ({ tokens, tookMs }) => (tokens / tookMs) * 1000)),
      shown(middle(runs, ({ firstToken }) => firstToken.p50Ms)),
      shown(middle(runs, ({ firstToken }) => firstToken.p99Ms)),
    ];
    const table = {
      caption: way.title,
      head: ['', 'CPU µs a token', 'to the pipe', 'tokens/s', 'first token p50 ms', 'p99 ms'],
      rows: [
        row('orchestratord', results.service),
        row('byte pipe', results.pipe),
        row('parse and re-frame', results.reframe),
      ],
    };
    const got = cpuOf(results.service) / floorUs;
    return [table, { what: `${way.title}: CPU a token, to the byte pipe`, got, atMost: way.goal, unit: '×' }];
  } finally {
    await stopRelays(relays);
  }
}

function cpuOf(runs: readonly (RelayResult & { cpuUs: number })[]): number {
  return middle(runs, ({ cpuUs, tokens }) => cpuUs / tokens);
}
