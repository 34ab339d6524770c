import type { CatalogService } from '../../src/catalog/catalog.service';
import type { EngineDetector } from '../../src/engines/detection/engine-detector';
import type { EngineKeys } from '../../src/engines/engine-keys';
import { HandoffService } from '../../src/handoff/handoff.service';
import type { Handoff } from '../../src/handoff/handoff-file';
import type { HandoffFolder } from '../../src/handoff/handoff-folder';
import type { Narrator } from '../../src/observability/narrator';
import { BindingsService } from '../../src/pools/bindings/bindings.service';
import type { EngineAllow } from '../../src/pools/bindings/engine-allow.port';
import { KeptBindings } from '../../src/pools/bindings/kept-bindings';
import { DrainService } from '../../src/pools/operations/drain.service';
import { KeptDrains } from '../../src/pools/operations/kept-drains';
import type { ModelStates } from '../../src/pools/operations/model-states';
import type { ModelSwap } from '../../src/pools/operations/model-swap';
import { PoolOperations } from '../../src/pools/operations/pool-operations';
import { PurgeService } from '../../src/pools/operations/purge.service';
import type { PurgeSteps } from '../../src/pools/operations/purge-steps';
import { ReloadService } from '../../src/pools/operations/reload.service';
import { SharedPools } from '../../src/pools/operations/shared-pools';
import { WorkElsewhere } from '../../src/pools/operations/work-elsewhere';
import type { Prober } from '../../src/pools/probing/prober';
import type { Store } from '../../src/storage/redis/connection/store';
import type { MemoryPoolRegistry } from '../../src/storage/memory/pool-registry.memory';
import type { NodeBeat } from '../../src/storage/redis/node-beat';
import { RedisPoolStore } from '../../src/storage/redis/redis-pool-store';
import { HeldStore } from './held-store';
import { testPools, testTime } from './ledger';

const quiet = {
  tell: () => undefined,
  fail: () => undefined,
} as const;

/** The pools of one node over a store, engines and disk left out: all that nodes have to agree about. Its clock is a test's. */
export class PoolsNode {
  readonly store: HeldStore;
  readonly registry: MemoryPoolRegistry;
  readonly bindings: BindingsService;
  readonly drains: DrainService;
  readonly handoffs: HandoffService;
  readonly purges: PurgeService;
  readonly reloads: ReloadService;
  readonly pools: RedisPoolStore;
  /** What went wrong inside. */
  readonly failures: unknown[] = [];
  /** The fields of each warning. */
  readonly warnings: object[] = [];
  private readonly shared: SharedPools;
  private readonly destroyed: { onModuleDestroy(): void }[];
  private readonly files = new Map<string, Handoff>();
  /** Reloads and purges that are at their engines. */
  private readonly atEngines: (() => void)[] = [];
  isRunning = false;
  /** Hears how many slots all have taken. */
  beat = async (): Promise<void> => undefined;

  constructor(
    private readonly connection: Store,
    readonly nodeId: string,
  ) {
    const { config, clock, alarms } = testTime({});
    const narrator = {
      ...quiet,
      warn: (_: string, fields: object) => void this.warnings.push(fields),
      attend: (work: Promise<unknown>) =>
        work.then(
          () => undefined,
          (thrown: unknown) => void this.failures.push(thrown),
        ),
    } as unknown as Narrator;
    this.store = new HeldStore(connection);
    const { registry } = testPools(config, clock, alarms);
    this.registry = registry;
    this.pools = new RedisPoolStore(this.store, { nodeId, beat: () => this.beat() } as NodeBeat);
    const prober = { probeNow: async () => undefined, probeSoon: () => undefined } as unknown as Prober;
    const kept = new KeptBindings(registry, this.pools, alarms, narrator);
    const allow = { check: async () => ({ ok: true }) } as EngineAllow;
    const detector = { kindOf: async () => 'llamacpp' } as unknown as EngineDetector;
    const keys = { read: async () => 'key' } as unknown as EngineKeys;
    this.bindings = new BindingsService(registry, prober, allow, keys, detector, kept, alarms, narrator);
    this.drains = new DrainService(registry, new KeptDrains(this.pools, alarms, narrator), alarms, clock, narrator);
    const works = new WorkElsewhere(registry, alarms, narrator);
    this.shared = new SharedPools(this.pools, this.bindings, this.drains, works, narrator);
    const operations = new PoolOperations(config, this.pools, alarms, narrator);
    const atEngine = (): Promise<void> => new Promise(over => this.atEngines.push(over));
    const steps = { onReplica: async () => [], onDisk: () => atEngine().then(() => []) } as unknown as PurgeSteps;
    this.purges = new PurgeService(registry, operations, this.drains, steps, clock, alarms, narrator);
    const catalog = { admissible: async () => ({ ok: true }) } as unknown as CatalogService;
    const swap = { load: atEngine, settle: async () => undefined, rollBack: async () => undefined };
    const models = { barOn: () => undefined } as unknown as ModelStates;
    this.reloads = new ReloadService(
      config,
      registry,
      catalog,
      operations,
      swap as unknown as ModelSwap,
      models,
      alarms,
      narrator,
    );
    const folder = {
      isFlooded: false,
      list: async () => [...this.files.keys()].sort(),
      versionOf: async (file: string) => this.files.has(file) && JSON.stringify(this.files.get(file)),
      readHandoff: async (file: string) => ({ ok: true, handoff: this.files.get(file) }),
    } as unknown as HandoffFolder;
    this.handoffs = new HandoffService(folder, this.bindings, registry, clock, narrator);
    for (const each of [kept, this.bindings]) each.onModuleInit();
    this.destroyed = [this.shared, this.bindings, kept, this.pools, alarms];
  }

  /** As a process starts; waits where its store is held. */
  async start(): Promise<void> {
    const { connection, nodeId } = this;
    await connection.call('ZADD', `${connection.prefix}:nodes`, '9999999999999', nodeId);
    const { bindings, drains } = await this.pools.recovered();
    await this.drains.restore(drains);
    await this.bindings.restore(bindings);
    this.shared.begin();
    this.isRunning = true;
  }

  /** As a process is killed. */
  async stop(): Promise<void> {
    this.isRunning = false;
    for (const each of this.destroyed) each.onModuleDestroy();
    await this.connection.call('ZREM', `${this.connection.prefix}:nodes`, this.nodeId);
  }

  /** A look at the store, or the one that is under way. */
  async look(): Promise<void> {
    await (this.pools as unknown as { look(): Promise<void> }).look();
  }

  put(file: string, handoff: Handoff): void {
    this.files.set(file, handoff);
  }

  take(file: string): void {
    this.files.delete(file);
  }

  /** What it does to pools comes to its end. */
  finishWorks(): void {
    for (const over of this.atEngines.splice(0)) over();
  }

  /** All that is to be the same at each node. */
  told(): object {
    return this.registry.view().map(({ poolId, draining, reloading, lastPurge, replicas }) => ({
      poolId,
      draining,
      reloading,
      lastPurge,
      replicas: [...replicas]
        .sort((a, b) => (a.replicaId < b.replicaId ? -1 : 1))
        .map(({ replicaId, engine, url, source, slotsDeclared, apiKeyFile, leaving }) => ({
          ...{ replicaId, engine, url, source, slotsDeclared, apiKeyFile, leaving },
        })),
    }));
  }
}

/** Resolves once no node does anything any more but wait for what is held. */
export async function settle(nodes: readonly { readonly store: HeldStore }[]): Promise<void> {
  for (let still = 0; still < 3;) {
    await new Promise<void>(resolve => setImmediate(resolve));
    still = nodes.every(({ store }) => store.isIdle) ? still + 1 : 0;
  }
}
