import { eventually } from './deadline';
import type { HttpAnswer } from './http-client';
import { startRedis, type RedisServer } from './redis-server';
import { startService, type RunningService } from './service';

type Json = Record<string, unknown>;

/** Two nodes over a store of their own. */
export class TwoNodes {
  private constructor(
    readonly redis: RedisServer,
    readonly a: RunningService,
    readonly b: RunningService,
    readonly settings: Readonly<Record<string, string>>,
  ) {}

  static async start(env: Readonly<Record<string, string>>): Promise<TwoNodes> {
    const redis = await startRedis();
    const settings = {
      ORCHD_STORE: redis.url,
      ORCHD_STORE_DURABILITY: 'memory',
      ORCHD_FALLBACK: 'wait',
      ORCHD_PROBE_INTERVAL_MS: '100',
      AUTH_TOKEN: 'worker-token',
      ORCHD_LOG_LEVEL: 'info',
      ...env,
    };
    const [a, b] = await Promise.all([startService({ env: settings }), startService({ env: settings })]);
    return new TwoNodes(redis, a, b, settings);
  }

  /** Resolves once both have that pool, ready. */
  async ready(poolId: string): Promise<void> {
    for (const node of [this.a, this.b])
      await eventually(
        () => ask(node, 'GET', `/v2/pools/${poolId}`),
        ({ status, text }) => status === 200 && text.includes('"ready":true'),
      );
  }

  async stop(): Promise<void> {
    for (const node of [this.a, this.b]) await node.stop('SIGKILL');
    await this.redis.stop();
  }
}

export function ask(at: RunningService, method: string, path: string, body?: object): Promise<HttpAnswer> {
  return at.request(method, path, body ? { body } : {});
}

/** @throws Error for what is refused */
export async function told(at: RunningService, method: string, path: string, body?: object): Promise<Json> {
  const answer = await ask(at, method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json();
}
