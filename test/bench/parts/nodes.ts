import { createClient } from '@redis/client';
import { startEngine } from '../../engine/engine';
import { hasRedisServer, startRedis, type RedisServer } from '../../support/redis-server';
import { alternately, middle } from '../alternately';
import { shown, times } from '../figures';
import type { AdmissionResult } from '../load/job';
import type { Bench, Part, PartReport, Table } from '../part';
import { cpuUsOf, withCpuOf } from '../process-usage';
import type { Program } from '../program';
import { API_KEY, startService } from '../service';

const CLIENTS = 64;
const TOKENS = 100;
const GOAL = 2;
const SETTINGS = { ORCHD_FALLBACK: 'wait', ORCHD_ADMISSION_CAPACITY: '1000000' };

/** What a node costs over the embedded service, and what it asks of its store. */
export const nodes: Part = {
  name: 'nodes',
  title: 'Nodes: the cost of a store that is shared',
  async run(bench) {
    if (!hasRedisServer()) return { method: ['There is no redis-server here.'], tables: [], goals: [] };
    const redis = await startRedis();
    try {
      return await measured(bench, redis);
    } finally {
      await redis.stop();
    }
  },
};

async function measured(bench: Bench, redis: RedisServer): Promise<PartReport> {
  const store = { ...SETTINGS, ORCHD_STORE: redis.url, ORCHD_STORE_DURABILITY: 'memory' };
  const [admissionTable, ratio] = await admissions(bench, redis, store);
  return {
    method: [
      `Over Debian's redis-server on the same machine, without an AOF (\`ORCHD_STORE_DURABILITY=memory\`): what is measured is work, not a disk. ` +
        `Admissions by ${CLIENTS} clients with no engine bound, in turns with the embedded service; CPU of the answering process and of the store.`,
      `A task of ${TOKENS} tokens from a stand-in engine, its stream read at the node that runs it or at another one. Scripts and bytes are ` +
        'those of the store (`INFO`), less what the nodes ask of it while nothing is to be done.',
    ],
    tables: [admissionTable, await tasksOf(bench, redis, store)],
    goals: [{ what: 'CPU of an admission over the embedded service', got: ratio, atMost: GOAL, unit: '×' }],
  };
}

interface Run extends AdmissionResult {
  readonly cpuUs: number;
  readonly storeUs: number;
}

async function admissions(
  bench: Bench,
  redis: RedisServer,
  store: Readonly<Record<string, string>>,
): Promise<[Table, number]> {
  const programs = {
    embedded: await startService(bench.folder, SETTINGS),
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
  const queued = await countOf(redis, '{admission}:live');
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

async function tasksOf(bench: Bench, redis: RedisServer, store: Readonly<Record<string, string>>): Promise<Table> {
  const engine = await startEngine({ slots: 16, tokensPerSecond: 200 });
  const settings = { ...store, ORCHD_STORE_DEPLOYMENT: 'tasks', ORCHD_LLAMACPP_URL: engine.url };
  const [first, second] = [await startService(bench.folder, settings), await startService(bench.folder, settings)];
  const count = bench.size(400, 80);
  const idle = await countedFor(redis, () => new Promise<void>(resolve => setTimeout(resolve, 2000)));
  const measure = async (reader: Program): Promise<string[]> => {
    const took: number[] = [];
    const firstTokens: number[] = [];
    const used = await countedFor(redis, async () => {
      const left = Array.from({ length: count }, (_, at) => at);
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          while (left.pop() !== undefined) {
            const { firstTokenMs, endMs } = await runOne(first, reader);
            firstTokens.push(firstTokenMs);
            took.push(endMs);
          }
        }),
      );
    });
    const less = (name: keyof Counts): number => (used[name] - (idle[name] * used.ms) / idle.ms) / count;
    firstTokens.sort((a, b) => a - b);
    return [
      shown(less('scripts')),
      shown(less('scripts') / TOKENS),
      shown(less('bytes')),
      shown(less('bytes') / TOKENS),
      shown(firstTokens[firstTokens.length >> 1] ?? 0),
    ];
  };
  try {
    for (const reader of [first, second]) await runOne(first, reader);
    const rows = [
      ['read where it was submitted', ...(await measure(first))],
      ['read at another node', ...(await measure(second))],
    ];
    const head = ['', 'scripts a task', 'a token', 'bytes a task', 'a token', 'first token p50 ms'];
    return { caption: `Tasks of ${TOKENS} tokens, 16 at a time, two nodes; one run`, head, rows };
  } finally {
    await first.stop();
    await second.stop();
    await engine.stop();
  }
}

/** Submitted to one node and read to its end at one. */
async function runOne(
  at: Program,
  reader: Program,
): Promise<{ readonly firstTokenMs: number; readonly endMs: number }> {
  const startMs = performance.now();
  const headers = { 'X-API-Key': API_KEY, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ prompt: 'Go.', max_tokens: TOKENS });
  const answer = await fetch(`http://127.0.0.1:${at.port}/v2/tasks`, { method: 'POST', headers, body });
  const { task_id: taskId } = (await answer.json()) as { task_id: string };
  const stream = await fetch(`http://127.0.0.1:${reader.port}/v2/tasks/${taskId}/events`, { headers });
  const decoder = new TextDecoder();
  let firstTokenMs: number | undefined;
  for await (const chunk of stream.body ?? []) {
    if (firstTokenMs === undefined && decoder.decode(chunk as Uint8Array).includes('event: token'))
      firstTokenMs = performance.now() - startMs;
  }
  return { firstTokenMs: firstTokenMs ?? NaN, endMs: performance.now() - startMs };
}

interface Counts {
  /** Scripts; what nodes ask beside them is a look at a hash here and there. */
  readonly scripts: number;
  readonly bytes: number;
  readonly ms: number;
}

async function countedFor(redis: RedisServer, work: () => Promise<void>): Promise<Counts> {
  const read = async (): Promise<[number, number]> => [
    await callsOf(redis),
    (await infoOf(redis, 'total_net_input_bytes')) + (await infoOf(redis, 'total_net_output_bytes')),
  ];
  const startMs = performance.now();
  const [scriptsBefore, bytesBefore] = await read();
  await work();
  const [scripts, bytes] = await read();
  return { scripts: scripts - scriptsBefore, bytes: bytes - bytesBefore, ms: performance.now() - startMs };
}

async function callsOf(redis: RedisServer): Promise<number> {
  const text = await asked<string>(redis, ['INFO', 'commandstats']);
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0);
}

async function infoOf(redis: RedisServer, name: string): Promise<number> {
  const text = await asked<string>(redis, ['INFO', 'all']);
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1]);
}

function countOf(redis: RedisServer, set: string): Promise<number> {
  return asked<number>(redis, ['SCARD', set]);
}

async function asked<T>({ url }: RedisServer, command: readonly string[]): Promise<T> {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand<T>(command);
  } finally {
    client.destroy();
  }
}
