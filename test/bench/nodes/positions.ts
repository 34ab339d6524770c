import type { RedisServer } from '../../support/redis-server';
import { latencyOf, shown } from '../figures';
import type { Bench, Table } from '../part';
import { API_KEY, startService } from '../service';
import { asked } from './store-figures';

const STEP = 1000;
const ASKS = 300;
const DEPLOYMENT = 'deep';

type Settings = Readonly<Record<string, string>>;

/**
 * Copies of a queued task, each with a number and a place of its own. ARGV: 1 the task, 2 how many, 3 number of the first.
 */
const COPIES = `
local P = KEYS[1] .. ':'
local t = redis.call('HMGET', P .. 't:' .. ARGV[1], 'lane', 'prio', 'ok', 'sid')
for i = 1, ARGV[2] do
  local seq = ARGV[3] + i
  local id = 'copy-' .. seq
  local member = string.format('%016d:%s', seq, id)
  local ok = string.format('%.3f', t[3] + seq / 1000)
  redis.call('COPY', P .. 't:' .. ARGV[1], P .. 't:' .. id)
  redis.call('HSET', P .. 't:' .. id, 'seq', seq, 'ok', ok)
  redis.call('ZADD', P .. 'q:' .. t[1] .. ':' .. t[2], ok, member)
  redis.call('ZADD', P .. 'w:' .. t[2], ok, member)
  redis.call('ZADD', P .. 'all', seq, id)
  redis.call('SADD', P .. 'live', id)
end
redis.call('INCRBY', P .. 'seq', ARGV[2])
return redis.call('ZCARD', P .. 'w:' .. t[2])
`;

/** What an admission, a look at a task and a position take by how many wait. */
export async function positionsByDepth(bench: Bench, redis: RedisServer, store: Settings): Promise<Table> {
  const settings = { ...store, ORCHD_STORE_DEPLOYMENT: DEPLOYMENT };
  const node = await startService(bench.folder, settings);
  const headers = { 'X-API-Key': API_KEY, 'Content-Type': 'application/json' };
  const at = (path: string): string => `http://127.0.0.1:${node.port}${path}`;
  const submit = async (id: string): Promise<Response> => {
    const body = JSON.stringify({ task_id: id, prompt: 'Go.', max_tokens: 10, deadline_ms: 86_400_000 });
    return fetch(at('/v2/tasks'), { method: 'POST', headers, body });
  };
  const timed = async (work: (number: number) => Promise<Response>): Promise<string[]> => {
    const took: number[] = [];
    for (let number = 0; number < ASKS; number++) {
      const startMs = performance.now();
      const answer = await work(number);
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${answer.status} of ${answer.url}`);
      took.push(performance.now() - startMs);
    }
    const { p50Ms, p99Ms } = latencyOf(took);
    return [shown(p50Ms), shown(p99Ms)];
  };
  try {
    await (await submit('first')).arrayBuffer();
    let copies = 0;
    const rows: string[][] = [];
    for (const depth of [100, bench.size(100_000, 10_000)]) {
      for (; copies < depth; copies += Math.min(STEP, depth - copies)) {
        const count = Math.min(STEP, depth - copies);
        await asked(redis, ['EVAL', COPIES, '1', `{${DEPLOYMENT}}`, 'first', String(count), String(copies + 1)]);
      }
      const admitted = await timed(number => submit(`${depth}-${number}`));
      const looked = await timed(number => fetch(at(`/v2/tasks/${depth}-${number}`), { headers }));
      rows.push([depth.toLocaleString('en-US'), ...admitted, ...looked, ...(await waitingFrames(node.port, depth))]);
    }
    const head = [
      ...['queued', 'admission with its position, p50 ms', 'p99', 'a look at a task, p50 ms', 'p99'],
      ...['first frame of one that waits, with its position, p50 ms', 'p99'],
    ];
    return { caption: 'Positions by depth of the queue, one client', head, rows };
  } finally {
    await node.stop();
  }
}

/** Until a stream on a task that waits has said where that stands. */
async function waitingFrames(port: number, depth: number): Promise<string[]> {
  const took: number[] = [];
  for (let number = 0; number < 50; number++) {
    const startMs = performance.now();
    const left = new AbortController();
    const stream = await fetch(`http://127.0.0.1:${port}/v2/tasks/${depth}-${number}/events`, {
      headers: { 'X-API-Key': API_KEY },
      signal: left.signal,
    });
    const reader = stream.body?.getReader();
    await reader?.read();
    took.push(performance.now() - startMs);
    left.abort();
    await reader?.read().catch(() => undefined);
  }
  const { p50Ms, p99Ms } = latencyOf(took);
  return [shown(p50Ms), shown(p99Ms)];
}
