import { createClient } from '@redis/client';
import type { RedisServer } from '../../support/redis-server';
import { cpuUsOf } from '../process-usage';

/** What a store was asked for meanwhile. */
export interface StoreWork {
  /** Scripts; what nodes ask beside them is a look at a hash here and there. */
  readonly scripts: number;
  readonly bytes: number;
  readonly cpuUs: number;
  readonly ms: number;
}

export async function workOf(redis: RedisServer, work: () => Promise<void>): Promise<StoreWork> {
  const read = async (): Promise<[number, number]> => [
    await scriptsOf(redis),
    (await infoOf(redis, 'total_net_input_bytes')) + (await infoOf(redis, 'total_net_output_bytes')),
  ];
  const startMs = performance.now();
  const [scriptsBefore, bytesBefore] = await read();
  const cpuBeforeUs = cpuUsOf(redis.pid);
  await work();
  const cpuUs = cpuUsOf(redis.pid) - cpuBeforeUs;
  const [scripts, bytes] = await read();
  return { scripts: scripts - scriptsBefore, bytes: bytes - bytesBefore, cpuUs, ms: performance.now() - startMs };
}

async function scriptsOf(redis: RedisServer): Promise<number> {
  const text = await asked<string>(redis, ['INFO', 'commandstats']);
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0);
}

export async function infoOf(redis: RedisServer, name: string): Promise<number> {
  const text = await asked<string>(redis, ['INFO', 'all']);
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1]);
}

export async function asked<T>({ url }: RedisServer, command: readonly string[]): Promise<T> {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand<T>(command);
  } finally {
    client.destroy();
  }
}
