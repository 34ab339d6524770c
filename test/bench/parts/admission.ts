import { alternately, middle } from '../alternately';
import { shown, times } from '../figures';
import type { AdmissionResult } from '../load/job';
import type { Bench, Goal, Part, Table } from '../part';
import { withCpuOf } from '../process-usage';
import { Program } from '../program';
import { API_KEY, startService } from '../service';

type Run = AdmissionResult & { readonly cpuUs: number };

/** The count that the goal is about, and that warms up: few clients would take long to get everything compiled. */
const GOAL_CLIENTS = 64;
const OTHER_CLIENTS = [16, 1];
const GOAL = 1.5;

/** `POST /v2/tasks` with the journal on and no engine bound, against routes that answer a constant to the same request. */
export const admission: Part = {
  name: 'admission',
  title: 'Admission: the cost of a task that is accepted',
  async run(bench) {
    const tables: Table[] = [];
    const goals: Goal[] = [];
    for (const clients of bench.quick ? [GOAL_CLIENTS] : [GOAL_CLIENTS, ...OTHER_CLIENTS]) {
      const [table, goal] = await measure(bench, clients);
      tables.push(table);
      if (clients === GOAL_CLIENTS) goals.push(goal);
    }
    return {
      method: [
        'CPU time of the answering process (all threads) for a `POST /v2/tasks` that is answered 202, each with a task and a ' +
          'session of its own. Nothing is dispatched: `ORCHD_FALLBACK=wait`, no engine, a queue of 1,000,000 places.',
        'The floors get the same requests and answer a constant of the same size: bare Fastify, and a Nest route on Fastify with ' +
          "one guard and one interceptor. For information: that route with Nest's ValidationPipe on the service's own DTO.",
      ],
      tables,
      goals,
    };
  },
};

async function measure(bench: Bench, clients: number): Promise<[Table, Goal]> {
  const { folder } = bench;
  const programs = {
    service: await startService(folder, { ORCHD_FALLBACK: 'wait', ORCHD_ADMISSION_CAPACITY: '1000000' }),
    fastify: await Program.start({ program: 'test/bench/floors/fastify.ts', folder }),
    nest: await Program.start({ program: 'test/bench/floors/nest.ts', folder }),
    validating: await Program.start({ program: 'test/bench/floors/nest-validating.ts', folder }),
  };
  const load = async (name: keyof typeof programs, from: number, forMs: number): Promise<Run> => {
    const { pid, port } = programs[name];
    const job = { kind: 'admission', port, apiKey: API_KEY, clients: from, forMs } as const;
    return withCpuOf(pid, () => bench.load.run(job));
  };
  const run = (name: keyof typeof programs) => async (): Promise<Run> => {
    const result = await load(name, clients, bench.size(3000, 700));
    bench.say(`${name}, ${clients} clients: ${shown(cpuOf([result]))} µs an admission`);
    return result;
  };
  const warmUp = (name: keyof typeof programs) => () => load(name, GOAL_CLIENTS, bench.size(4000, 2000));
  const each = <T>(make: (name: keyof typeof programs) => T) => ({
    service: make('service'),
    fastify: make('fastify'),
    nest: make('nest'),
    validating: make('validating'),
  });
  try {
    const results = await alternately(bench.runs, each(run), each(warmUp));
    const [fastifyUs, nestUs] = [cpuOf(results.fastify), cpuOf(results.nest)];
    const row = (name: string, runs: readonly Run[]): string[] => [
      name,
      shown(cpuOf(runs)),
      times(cpuOf(runs), nestUs),
      times(cpuOf(runs), fastifyUs),
      shown(middle(runs, ({ admissions, tookMs }) => (admissions / tookMs) * 1000)),
      shown(middle(runs, ({ latency }) => latency.p50Ms)),
      shown(middle(runs, ({ latency }) => latency.p99Ms)),
    ];
    const title = clients === 1 ? '1 client' : `${clients} clients`;
    const table = {
      caption: title,
      head: ['', 'CPU µs each', 'to Nest', 'to Fastify', 'requests/s', 'p50 ms', 'p99 ms'],
      rows: [
        row('orchestratord', results.service),
        row('Nest, a guard and an interceptor', results.nest),
        row('the same with ValidationPipe', results.validating),
        row('bare Fastify', results.fastify),
      ],
    };
    const what = `Admission, ${title}: CPU, to a Nest route that answers a constant`;
    return [table, { what, got: cpuOf(results.service) / nestUs, atMost: GOAL, unit: '×' }];
  } finally {
    for (const program of Object.values(programs)) await program.stop();
  }
}

function cpuOf(runs: readonly Run[]): number {
  return middle(runs, ({ cpuUs, admissions }) => cpuUs / admissions);
}
