import { startEngine, type RunningEngine } from '../engine/engine';
import { startRedis, type RedisServer, type RedisOptions } from '../support/redis-server';
import { startService, type RunningService } from '../support/service';
import { startStoreProxy, type StoreProxy } from './store-proxy';

// So that what was started is ended, however this is.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/** One node: its process, which may be another later, and its way to the store. */
export interface Node {
  readonly name: string;
  readonly proxy: StoreProxy;
  /** Undefined while it is down. */
  service: RunningService | undefined;
}

export interface FleetOptions {
  readonly nodes: number;
  readonly slots: number;
  readonly tokensPerSecond: number;
  readonly redis?: RedisOptions;
  readonly env?: Readonly<Record<string, string>>;
  /** `dist/main.js` of another build, which the first node runs. */
  readonly otherProgram?: string | undefined;
}

/** Several nodes over one store, with one engine for all. */
export class Fleet {
  readonly nodes: Node[] = [];

  private constructor(
    public redis: RedisServer,
    readonly engine: RunningEngine,
    readonly options: FleetOptions,
  ) {}

  static async start(options: FleetOptions): Promise<Fleet> {
    const { slots, tokensPerSecond } = options;
    const redis = await startRedis(options.redis);
    const engine = await startEngine({ slots, tokensPerSecond, prefillMs: 10, requestsKept: 10_000_000 });
    const fleet = new Fleet(redis, engine, options);
    for (let at = 0; at < options.nodes; at++) {
      fleet.nodes.push({ name: `node-${at}`, proxy: await startStoreProxy(redis.port), service: undefined });
    }
    await Promise.all(fleet.nodes.map(node => fleet.startNode(node)));
    return fleet;
  }

  async startNode(node: Node): Promise<void> {
    const { otherProgram } = this.options;
    node.service = await startService({
      ...(otherProgram !== undefined && node === this.nodes[0] && { program: otherProgram }),
      env: {
        ORCHD_STORE: node.proxy.url,
        ORCHD_STORE_DURABILITY: 'memory',
        ORCHD_LLAMACPP_URL: this.engine.url,
        ORCHD_FALLBACK: 'wait',
        ORCHD_ADMISSION_CAPACITY: '100000',
        ORCHD_TASK_RETENTION_MS: '86400000',
        ORCHD_SESSION_TTL_MS: '86400000',
        ORCHD_SESSION_TOKENS_BUDGET: '100000000',
        ORCHD_SESSION_TIME_BUDGET_MS: '100000000000',
        ORCHD_PROBE_INTERVAL_MS: '250',
        ORCHD_SHUTDOWN_GRACE_MS: '3000',
        ORCHD_LOG_LEVEL: 'info',
        ...this.options.env,
      },
      deadlineMs: 60_000,
    });
  }

  async stop(): Promise<void> {
    for (const { service, proxy } of this.nodes) {
      await service?.stop('SIGKILL');
      await proxy.stop();
    }
    await this.engine.stop();
    await this.redis.stop();
  }
}
