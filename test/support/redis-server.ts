import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Child } from './child';
import { LAST_RESORT_MS } from './deadline';
import { onFreePort } from './free-port';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder';

/** One that is named, or the first of these that is found. */
const NAMES = ['redis-server', 'valkey-server'];

/** The path of its program; undefined where there is none, also where one is named and not there. */
export function redisProgram(): string | undefined {
  const { ORCHD_TEST_REDIS_SERVER: named, PATH = '' } = process.env;
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const folders = [...PATH.split(delimiter), '/usr/bin', '/usr/local/bin'].filter(folder => folder !== '');
  return NAMES.flatMap(name => folders.map(folder => join(folder, name))).find(path => existsSync(path));
}

/** False, with a line that says so, where the machine has none; in CI that is an error. */
export function hasRedisServer(): boolean {
  if (redisProgram() !== undefined) return true;
  const reason = 'there is no redis-server or valkey-server (Debian: apt-get install redis-server)';
  if (process.env.CI) throw new Error(`${reason}, and CI must not go without`);
  process.stdout.write(`skipped: ${reason}\n`);
  return false;
}

export interface RedisOptions {
  readonly port?: number;
  /** When what was done is synced; undefined: nothing is written to the disk. */
  readonly fsync?: 'always' | 'everysec';
  /** Of a server before it, for one that is to find what that has left. */
  readonly folder?: TemporaryFolder;
  /** More settings, as on its command line. */
  readonly settings?: readonly string[];
}

/** A server of one's own on a free port of loopback. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly folder: TemporaryFolder;
  signal(signal: NodeJS.Signals): void;
  /** Keeps the folder where it was given. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function startRedis({
  port: wanted,
  fsync,
  folder: given,
  settings = [],
}: RedisOptions = {}): Promise<RedisServer> {
  const folder = given ?? temporaryFolder();
  const durable = fsync === undefined ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', fsync];
  const start = async (at: number): Promise<Child> => {
    const child = new Child({
      node: redisProgram(),
      args: ['--port', String(at), '--bind', '127.0.0.1', '--dir', folder.path, '--save', '', ...durable, ...settings],
      env: {},
      cwd: folder.path,
    });
    await child.line(line => line.includes('Ready to accept connections'), LAST_RESORT_MS, 'redis-server starts');
    return child;
  };
  const { started: child, port } =
    wanted === undefined ? await onFreePort(start) : { started: await start(wanted), port: wanted };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid,
    folder,
    signal: signal => child.signal(signal),
    stop: async (signal = 'SIGKILL') => {
      await child.stop(signal);
      if (!given) folder.remove();
    },
  };
}
