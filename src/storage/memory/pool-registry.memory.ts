import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import { EngineRegistry } from '../../engines/engine-registry';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';
import type { Binding, Lease, PoolView, ReplicaView } from '../../pools/pool';
import { PoolRegistry, type BindOutcome, type PoolChange } from '../../pools/pool-registry.port';
import { Alarms, type Alarm } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { MemoryLease } from './memory-lease';
import { ReplicaState } from './replica-state';

const MAX_POOLS = 256;
const MAX_REPLICAS = 1024;

interface Pool {
  readonly replicas: Map<string, ReplicaState>;
  readonly lapses: Map<string, Alarm>;
  draining: boolean;
  reloading: boolean;
  lastPurge: unknown;
}

/** The registry in this process: every call is one step. */
@Injectable()
export class MemoryPoolRegistry extends PoolRegistry {
  private readonly poolsById = new Map<string, Pool>();
  private readonly subject = new Subject<PoolChange>();
  override readonly changes$ = this.subject.asObservable();
  private replicaCount = 0;

  constructor(
    private readonly engines: EngineRegistry,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
  ) {
    super();
  }

  async bind(binding: Binding): Promise<BindOutcome> {
    const { poolId, replicaId } = binding;
    const bound = this.state(poolId, replicaId);
    this.renewTtl(binding);
    if (!bound) return this.add(binding);
    // A removal that has begun is taken back by a new word from the replica.
    bound.leaving = false;
    if (bound.binding.url === binding.url && bound.binding.engine === binding.engine) {
      bound.binding = { ...binding, source: bound.binding.source };
      return 'renewed';
    }
    if (bound.live) return 'kept';
    this.forget(poolId, replicaId);
    this.add(binding);
    return 'replaced';
  }

  async unbind(poolId: string, replicaId: string): Promise<boolean> {
    const replica = this.state(poolId, replicaId);
    if (!replica) return false;
    replica.leaving = true;
    this.poolsById.get(poolId)?.lapses.get(replicaId)?.cancel();
    if (replica.leases.size === 0) this.forget(poolId, replicaId);
    this.changed({ poolId, replicaId, kind: 'unbound' });
    return true;
  }

  async observe(poolId: string, replicaId: string, probe: EngineProbe): Promise<void> {
    if (this.state(poolId, replicaId)?.observe(probe, this.clock.wallMs())) this.changed({ poolId, replicaId, kind: 'health' });
  }

  async pool(poolId: string): Promise<PoolView | undefined> {
    const pool = this.poolsById.get(poolId);
    return pool && viewOf(poolId, pool);
  }

  async pools(): Promise<readonly PoolView[]> {
    return [...this.poolsById].map(([poolId, pool]) => viewOf(poolId, pool)).sort((a, b) => (a.poolId < b.poolId ? -1 : 1));
  }

  async replica(poolId: string, replicaId: string): Promise<ReplicaView | undefined> {
    return this.state(poolId, replicaId)?.view();
  }

  async setDraining(poolId: string, draining: boolean): Promise<boolean> {
    const pool = this.poolsById.get(poolId);
    if (!pool) return false;
    pool.draining = draining;
    this.changed({ poolId, kind: 'draining' });
    return true;
  }

  async setReloading(poolId: string, reloading: boolean): Promise<boolean> {
    const pool = this.poolsById.get(poolId);
    if (!pool) return false;
    pool.reloading = reloading;
    this.changed({ poolId, kind: 'reloading' });
    return true;
  }

  async recordPurge(poolId: string, report: unknown): Promise<void> {
    const pool = this.poolsById.get(poolId);
    if (pool) pool.lastPurge = report;
  }

  async acquire(poolId: string, replicaId: string): Promise<Lease | undefined> {
    const pool = this.poolsById.get(poolId);
    const replica = pool?.replicas.get(replicaId);
    if (!pool || pool.draining || pool.reloading || !replica || replica.slotsFree === 0) return undefined;
    const { url = '', engine } = replica.binding;
    const lease = new MemoryLease({ url, poolId, replicaId }, engine, replica.engineVersion, replica.adapter, freed => {
      replica.leases.delete(freed);
      if (replica.leaving && replica.leases.size === 0) this.forgetIfSame(replica);
      this.changed({ poolId, replicaId, kind: 'slot-freed' });
    });
    replica.leases.add(lease);
    return lease;
  }

  async revoke(poolId: string, reason: ServiceError): Promise<number> {
    const replicas = [...(this.poolsById.get(poolId)?.replicas.values() ?? [])];
    const leases = replicas.flatMap(replica => [...replica.leases]);
    for (const lease of leases) lease.revoke(reason);
    return leases.length;
  }

  private add(binding: Binding): 'bound' {
    const { poolId, replicaId, engine } = binding;
    const adapter = this.engines.find(engine);
    if (!adapter) {
      const message = `engine must be one of: ${this.engines.names().join(', ')}`;
      throw new ServiceError('INVALID_PARAMS', { field: 'engine', message });
    }
    if (this.replicaCount >= MAX_REPLICAS || (!this.poolsById.has(poolId) && this.poolsById.size >= MAX_POOLS)) {
      const message = `at most ${MAX_POOLS} pools and ${MAX_REPLICAS} replicas can be bound`;
      throw new ServiceError('INVALID_PARAMS', { field: 'pool_id', message });
    }
    let pool = this.poolsById.get(poolId);
    if (!pool) {
      pool = { replicas: new Map(), lapses: new Map(), draining: false, reloading: false, lastPurge: undefined };
      this.poolsById.set(poolId, pool);
    }
    pool.replicas.set(replicaId, new ReplicaState(binding, adapter, this.clock.wallMs()));
    this.replicaCount++;
    this.renewTtl(binding);
    this.changed({ poolId, replicaId, kind: 'bound' });
    return 'bound';
  }

  private forget(poolId: string, replicaId: string): void {
    const pool = this.poolsById.get(poolId);
    if (!pool?.replicas.delete(replicaId)) return;
    this.replicaCount--;
    pool.lapses.get(replicaId)?.cancel();
    pool.lapses.delete(replicaId);
    if (pool.replicas.size === 0 && !pool.draining) this.poolsById.delete(poolId);
  }

  /** Not one that took its place meanwhile. */
  private forgetIfSame(replica: ReplicaState): void {
    const { poolId, replicaId } = replica.binding;
    if (this.state(poolId, replicaId) === replica) this.forget(poolId, replicaId);
  }

  private renewTtl({ poolId, replicaId, ttlMs }: Binding): void {
    const pool = this.poolsById.get(poolId);
    if (!pool) return;
    pool.lapses.get(replicaId)?.cancel();
    pool.lapses.delete(replicaId);
    if (ttlMs !== undefined) pool.lapses.set(replicaId, this.alarms.after(ttlMs, () => void this.unbind(poolId, replicaId)));
  }

  private state(poolId: string, replicaId: string): ReplicaState | undefined {
    return this.poolsById.get(poolId)?.replicas.get(replicaId);
  }

  private changed(change: PoolChange): void {
    this.subject.next(change);
  }
}

function viewOf(poolId: string, pool: Pool): PoolView {
  const replicas = [...pool.replicas.values()].map(replica => replica.view());
  const takesWork = !pool.draining && !pool.reloading;
  const sum = (pick: (replica: ReplicaView) => number): number => replicas.reduce((total, replica) => total + pick(replica), 0);
  const lastError = replicas.find(replica => !replica.ready)?.lastError;
  return {
    poolId,
    live: replicas.some(replica => replica.live),
    ready: takesWork && replicas.some(replica => replica.ready),
    draining: pool.draining,
    reloading: pool.reloading,
    slotsTotal: sum(replica => replica.slotsTotal),
    slotsFree: takesWork ? sum(replica => replica.slotsFree) : 0,
    running: sum(replica => replica.running),
    ...(lastError !== undefined && { lastError }),
    replicas,
    ...(pool.lastPurge !== undefined && { lastPurge: pool.lastPurge }),
  };
}
