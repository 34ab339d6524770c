import { startEngine } from '../../engine/engine';
import type { RedisServer } from '../../support/redis-server';
import { alternately, middle } from '../alternately';
import { median, shown, times } from '../figures';
import type { Bench, Table } from '../part';
import { cpuUsOf } from '../process-usage';
import type { Program } from '../program';
import { API_KEY, startService } from '../service';
import { workOf, type StoreWork } from './store-figures';

const TOKENS = 100;
const AT_ONCE = 16;
const IDLE_MS = 2000;

type Settings = Readonly<Record<string, string>>;

interface Run {
  readonly work: StoreWork;
  readonly runnerUs: number;
  readonly readerUs: number;
  readonly firstTokenMs: number;
}

/** Tasks that run, read where they run or at another node, in turns with the embedded service; second is the CPU of a token, to that. */
export async function taskCosts(
  bench: Bench,
  redis: RedisServer,
  settings: Settings,
  store: Settings,
): Promise<[Table, number]> {
  const engine = await startEngine({ slots: AT_ONCE, tokensPerSecond: 200 });
  const bound = { ORCHD_LLAMACPP_URL: engine.url };
  const shared = { ...store, ...bound, ORCHD_STORE_DEPLOYMENT: 'tasks' };
  const embedded = await startService(bench.folder, { ...settings, ...bound });
  const [first, second] = [await startService(bench.folder, shared), await startService(bench.folder, shared)];
  const count = bench.size(160, 48);
  const idle = await workOf(redis, () => new Promise<void>(resolve => setTimeout(resolve, IDLE_MS)));
  const measure = (runner: Program, reader: Program) => async (): Promise<Run> => {
    const firstTokens: number[] = [];
    const [runnerBeforeUs, readerBeforeUs] = [cpuUsOf(runner.pid), cpuUsOf(reader.pid)];
    const work = await workOf(redis, async () => {
      let left = count;
      const client = async (): Promise<void> => {
        while (left-- > 0) firstTokens.push(await runOne(runner, reader));
      };
      await Promise.all(Array.from({ length: AT_ONCE }, client));
    });
    return {
      work,
      runnerUs: cpuUsOf(runner.pid) - runnerBeforeUs,
      readerUs: runner === reader ? 0 : cpuUsOf(reader.pid) - readerBeforeUs,
      firstTokenMs: median(firstTokens),
    };
  };
  try {
    const results = await alternately(bench.runs, {
      embedded: measure(embedded, embedded),
      here: measure(first, first),
      elsewhere: measure(first, second),
    });
    const tokens = count * TOKENS;
    const cpuOf = (runs: readonly Run[]): number => middle(runs, run => run.runnerUs / tokens);
    const less = (runs: readonly Run[], name: 'scripts' | 'bytes' | 'cpuUs'): number =>
      middle(runs, ({ work }) => (work[name] - (idle[name] * work.ms) / idle.ms) / count);
    const floorMs = middle(results.embedded, run => run.firstTokenMs);
    const row = (title: string, runs: readonly Run[]): string[] => {
      const isEmbedded = runs === results.embedded;
      const ofStore = (figure: number): string => (isEmbedded ? '' : shown(figure));
      const firstMs = middle(runs, run => run.firstTokenMs);
      return [
        title,
        shown(cpuOf(runs)),
        times(cpuOf(runs), cpuOf(results.embedded)),
        shown(middle(runs, run => run.readerUs / tokens)),
        ofStore(less(runs, 'cpuUs') / TOKENS),
        ofStore(less(runs, 'scripts')),
        ofStore(less(runs, 'scripts') / TOKENS),
        ofStore(less(runs, 'bytes')),
        ofStore(less(runs, 'bytes') / TOKENS),
        shown(firstMs),
        isEmbedded ? '' : shown(firstMs - floorMs),
      ];
    };
    const rows = [
      row('embedded', results.embedded),
      row('read at the node that runs it', results.here),
      row('read at another node', results.elsewhere),
    ];
    const head = [
      ...[
        '',
        'CPU µs a token',
        'to embedded',
        "the reader's node",
        'store CPU µs a token',
        'scripts a task',
        'a token',
      ],
      ...['bytes a task', 'a token', 'first token p50 ms', 'added'],
    ];
    const ratio = cpuOf(results.here) / cpuOf(results.embedded);
    bench.say(`a node takes ${ratio.toFixed(2)} × the CPU of the embedded service for a token`);
    return [{ caption: `Tasks of ${TOKENS} tokens, ${AT_ONCE} at a time`, head, rows }, ratio];
  } finally {
    for (const program of [embedded, first, second]) await program.stop();
    await engine.stop();
  }
}

/** Submitted to one node and read to its end at one; resolves to when its first token was there. */
async function runOne(at: Program, reader: Program): Promise<number> {
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
  return firstTokenMs ?? NaN;
}
