import { createClient } from '@redis/client';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child';
import { eventually, LAST_RESORT_MS } from './deadline';
import { onFreePort } from './free-port';
import { redisProgram, type RedisServer } from './redis-server';
import { temporaryFolder } from './temporary-folder';

/** Until a server that says nothing is given up, in milliseconds. */
const DOWN_AFTER_MS = 500;
const SENTINEL_NAME = 'main';

export interface Sentinels {
  /** For `ORCHD_STORE`. */
  readonly url: string;
  /** Of the server that takes writes, as the first sentinel has it. */
  port(): Promise<number>;
  stop(): Promise<void>;
}

/** Three that watch a server and know of each other and of its replicas, of which there are so many. */
export async function startSentinels(
  server: RedisServer,
  replicas: number,
  { password }: { readonly password?: string } = {},
): Promise<Sentinels> {
  const folder = temporaryFolder();
  const children: Child[] = [];
  const ports: number[] = [];
  for (let at = 0; at < 3; at++) {
    const file = join(folder.path, `sentinel-${at}.conf`);
    const { started, port } = await onFreePort(async free => {
      const lines = [
        `port ${free}`,
        'bind 127.0.0.1',
        `dir ${folder.path}`,
        `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${server.port} 2`,
        `sentinel down-after-milliseconds ${SENTINEL_NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${SENTINEL_NAME} 2000`,
        ...(password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
      ];
      writeFileSync(file, `${lines.join('\n')}\n`);
      const child = new Child({ node: redisProgram(), args: [file, '--sentinel'], env: {}, cwd: folder.path });
      await child.line(line => line.includes('+monitor'), LAST_RESORT_MS, 'a sentinel starts');
      return child;
    });
    children.push(started);
    ports.push(port);
  }
  const ask = (port: number, words: readonly string[]) => command<string[]>(port, ['SENTINEL', ...words], password);
  try {
    for (const port of ports) {
      await eventually(
        () => ask(port, ['MASTER', SENTINEL_NAME]),
        flat => valueOf(flat, 'num-other-sentinels') === '2' && valueOf(flat, 'num-slaves') === String(replicas),
      );
    }
  } catch (fault) {
    for (const child of children) await child.stop('SIGKILL');
    folder.remove();
    throw fault;
  }
  return {
    url: `redis+sentinel://${ports.map(port => `127.0.0.1:${port}`).join(',')}/${SENTINEL_NAME}`,
    port: async () => Number((await ask(ports[0] as number, ['get-master-addr-by-name', SENTINEL_NAME]))[1]),
    stop: async () => {
      for (const child of children) await child.stop('SIGKILL');
      folder.remove();
    },
  };
}

function valueOf(flat: readonly string[], name: string): string | undefined {
  return flat[flat.indexOf(name) + 1];
}

/** One command over a connection of its own. */
export async function command<T>(port: number, words: readonly string[], password?: string): Promise<T> {
  const client = createClient({
    url: `redis://127.0.0.1:${port}`,
    RESP: 2,
    ...(password !== undefined && { password }),
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand<T>(words);
  } finally {
    client.destroy();
  }
}
