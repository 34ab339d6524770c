import { alternately, middle } from '../alternately';
import type { RedisServer } from '../../support/redis-server';
import { shown, times } from '../figures';
import type { AdmissionResult } from '../load/job';
import { LoadProcess } from '../load/load-process';
import type { Bench, Table } from '../part';
import { cpuUsOf, withCpuOf } from '../process-usage';
import { API_KEY, startService } from '../service';
import { asked, infoOf } from './store-figures';

export const CLIENTS = 64;
const FLEETS = [1, 2, 4];

type Settings = Readonly<Record<string, string>>;

interface Run extends AdmissionResult {
  readonly cpuUs: number;
  readonly storeUs: number;
}

/** Admissions of one node in turns with the embedded service; second is how much CPU it takes for one, to that. */
export async function admissionCosts(
  bench: Bench,
  redis: RedisServer,
  settings: Settings,
  store: Settings,
): Promise<[Table, number]> {
  const programs = {
    embedded: await startService(bench.folder, settings),
    node: await startService(bench.folder, { ...store, ORCHD_STORE_DEPLOYMENT: 'admission' }),
  };
  const memoryBefore = await infoOf(redis, 'used_memory');
  const run = (name: keyof typeof programs) => async (): Promise<Run> => {
    const { pid, port } = programs[name];
    const beforeUs = cpuUsOf(redis.pid);
    const job = { kind: 'admission', port, apiKey: API_KEY, clients: CLIENTS, forMs: bench.size(3000, 700) } as const;
    const result = await withCpuOf(pid, () => bench.load.run(job));
    return { ...result, storeUs: cpuUsOf(redis.pid) - beforeUs };
  };
  const results = await alternately(bench.runs, { embedded: run('embedded'), node: run('node') });
  const memory = (await infoOf(redis, 'used_memory')) - memoryBefore;
  const queued = await asked<number>(redis, ['SCARD', '{admission}:live']);
  await Promise.all(Object.values(programs).map(program => program.stop()));
  const cpuOf = (name: keyof typeof programs): number => middle(results[name], each => each.cpuUs / each.admissions);
  const row = (title: string, name: keyof typeof programs): string[] => [
    title,
    shown(cpuOf(name)),
    times(cpuOf(name), cpuOf('embedded')),
    shown(middle(results[name], each => (each.admissions * 1000) / each.tookMs)),
    shown(middle(results[name], each => each.latency.p50Ms)),
    shown(middle(results[name], each => each.latency.p99Ms)),
    name === 'embedded' ? '' : shown(middle(results[name], each => each.storeUs / each.admissions)),
    name === 'embedded' ? '' : shown(memory / Math.max(1, queued)),
  ];
  const ratio = cpuOf('node') / cpuOf('embedded');
  bench.say(`a node takes ${ratio.toFixed(2)} × the CPU of the embedded service for an admission`);
  const head = ['', 'CPU µs each', 'to embedded', 'a second', 'p50 ms', 'p99 ms', 'store CPU µs', 'store bytes each'];
  const rows = [row('embedded', 'embedded'), row('node', 'node')];
  return [{ caption: `Admissions, ${CLIENTS} clients`, head, rows }, ratio];
}

/** All clients together are as many, however many nodes they are spread over. */
export async function admissionsByNodes(bench: Bench, redis: RedisServer, store: Settings): Promise<Table> {
  const most = Math.max(...FLEETS);
  const settings = { ...store, ORCHD_STORE_DEPLOYMENT: 'fleet' };
  const nodes = await Promise.all(Array.from({ length: most }, () => startService(bench.folder, settings)));
  const loads = Array.from({ length: most }, () => new LoadProcess());
  try {
    const run = async (count: number): Promise<readonly [perSecond: number, storeShare: number]> => {
      const beforeUs = cpuUsOf(redis.pid);
      const startMs = performance.now();
      const results = await Promise.all(
        nodes.slice(0, count).map(async ({ port }, at) =>
          loads[at]?.run({
            kind: 'admission',
            port,
            apiKey: API_KEY,
            clients: CLIENTS / count,
            forMs: bench.size(3000, 700),
          }),
        ),
      );
      const ms = performance.now() - startMs;
      const admissions = results.reduce((sum, each) => sum + (each?.admissions ?? 0), 0);
      return [(admissions * 1000) / ms, (cpuUsOf(redis.pid) - beforeUs) / 1000 / ms];
    };
    await run(most);
    const rows: string[][] = [];
    for (const count of FLEETS) {
      const runs = [];
      for (let round = 0; round < bench.runs; round++) runs.push(await run(count));
      rows.push([
        String(count),
        shown(middle(runs, ([each]) => each)),
        shown(100 * middle(runs, ([, share]) => share)),
      ]);
    }
    const caption = `Admissions of several nodes, ${CLIENTS} clients in all, clients and store on the same two cores`;
    return { caption, head: ['nodes', 'a second', "% of a core, the store's"], rows };
  } finally {
    for (const load of loads) load.stop();
    await Promise.all(nodes.map(node => node.stop()));
  }
}
