import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { EngineAdapter, EngineProbe } from '../../engines/engine-adapter.port';
import { EngineRegistry } from '../../engines/engine-registry';
import { ServiceError } from '../../errors/service-error';
import type { Binding, Lease, PoolView, ReplicaView } from '../../pools/pool';
import { PoolRegistry, type BindOutcome, type PoolChange } from '../../pools/pool-registry.port';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import type { MemoryLease } from './memory-lease';
import { MemoryPool } from './memory-pool';
import { ReplicaState } from './replica-state';

const MAX_POOLS = 256;
const MAX_REPLICAS = 1024;

/** The registry in this process: every call is one step, and what it changed is told after it is so. */
@Injectable()
export class MemoryPoolRegistry extends PoolRegistry {
  private readonly poolsById = new Map<string, MemoryPool>();
  private replicaCount = 0;
  private readonly changes = new Subject<PoolChange>();
  override readonly changes$ = this.changes.asObservable();

  constructor(
    private readonly engines: EngineRegistry,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
  ) {
    super();
  }

  /** @throws ServiceError INVALID_PARAMS for an engine that there is not, or one pool or replica too many */
  async bind(binding: Binding): Promise<BindOutcome> {
    const { poolId, replicaId } = binding;
    const adapter = this.adapterOf(binding);
    const bound = this.state(poolId, replicaId);
    if (!bound) {
      this.assertRoom(poolId);
      this.place(binding, adapter);
      return 'bound';
    }
    if (bound.isAt(binding)) {
      const changed = bound.renew(binding);
      this.armLapse(bound, binding);
      if (changed) this.changes.next({ poolId, replicaId, kind: 'bound' });
      return 'renewed';
    }
    // One that is on its way out has no claim to its place any more; its tasks may still end in peace.
    if (bound.live && !bound.leaving) return 'kept';
    bound.lapse?.cancel();
    this.place(binding, adapter);
    if (!bound.live) revokeAll(bound.leases, replacedBy(binding));
    return 'replaced';
  }

  async unbind(poolId: string, replicaId: string): Promise<boolean> {
    const replica = this.state(poolId, replicaId);
    if (!replica) return false;
    if (replica.leaving) return true;
    replica.leave();
    if (replica.leases.size === 0) this.remove(poolId, replicaId, replica);
    this.changes.next({ poolId, replicaId, kind: 'unbound' });
    return true;
  }

  async observe(poolId: string, replicaId: string, probe: EngineProbe): Promise<void> {
    const noticed = this.state(poolId, replicaId)?.observe(probe, this.clock.wallMs());
    if (noticed) this.changes.next({ poolId, replicaId, kind: 'health' });
  }

  async pool(poolId: string): Promise<PoolView | undefined> {
    return this.poolsById.get(poolId)?.view();
  }

  async pools(): Promise<readonly PoolView[]> {
    const pools = [...this.poolsById.values()].sort((a, b) => (a.poolId < b.poolId ? -1 : 1));
    return pools.map(pool => pool.view());
  }

  async replica(poolId: string, replicaId: string): Promise<ReplicaView | undefined> {
    return this.state(poolId, replicaId)?.view();
  }

  async setDraining(poolId: string, draining: boolean): Promise<boolean> {
    const pool = this.poolsById.get(poolId);
    if (!pool) return false;
    pool.draining = draining;
    this.dropIfEmpty(pool);
    this.changes.next({ poolId, kind: 'draining' });
    return true;
  }

  async setReloading(poolId: string, reloading: boolean): Promise<boolean> {
    const pool = this.poolsById.get(poolId);
    if (!pool) return false;
    pool.reloading = reloading;
    this.changes.next({ poolId, kind: 'reloading' });
    return true;
  }

  async recordPurge(poolId: string, report: unknown): Promise<void> {
    const pool = this.poolsById.get(poolId);
    if (pool) pool.lastPurge = report;
  }

  async acquire(poolId: string, replicaId: string): Promise<Lease | undefined> {
    const pool = this.poolsById.get(poolId);
    const replica = pool?.replicas.get(replicaId);
    if (!pool?.takesWork || !replica || replica.slotsFree === 0) return undefined;
    const lease = replica.lease(() => {
      pool.leases.delete(lease);
      this.changes.next({ poolId, replicaId, kind: 'slot-freed' });
      if (!replica.leaving || replica.leases.size > 0 || this.state(poolId, replicaId) !== replica) return;
      this.remove(poolId, replicaId, replica);
      this.changes.next({ poolId, replicaId, kind: 'unbound' });
    });
    pool.leases.add(lease);
    return lease;
  }

  async revoke(poolId: string, reason: ServiceError): Promise<number> {
    return revokeAll(this.poolsById.get(poolId)?.leases ?? [], reason);
  }

  /** Where there was one before, it keeps nothing but its leases. */
  private place(binding: Binding, adapter: EngineAdapter): void {
    const { poolId, replicaId } = binding;
    let pool = this.poolsById.get(poolId);
    if (!pool) this.poolsById.set(poolId, (pool = new MemoryPool(poolId)));
    const replica = new ReplicaState(binding, adapter, this.clock.wallMs());
    if (!pool.replicas.has(replicaId)) this.replicaCount++;
    pool.replicas.set(replicaId, replica);
    this.armLapse(replica, binding);
    this.changes.next({ poolId, replicaId, kind: 'bound' });
  }

  private remove(poolId: string, replicaId: string, replica: ReplicaState): void {
    const pool = this.poolsById.get(poolId);
    if (!pool?.replicas.delete(replicaId)) return;
    this.replicaCount--;
    replica.lapse?.cancel();
    this.dropIfEmpty(pool);
  }

  private dropIfEmpty(pool: MemoryPool): void {
    if (pool.replicas.size === 0 && !pool.draining) this.poolsById.delete(pool.poolId);
  }

  private armLapse(replica: ReplicaState, { poolId, replicaId, ttlMs }: Binding): void {
    replica.lapse?.cancel();
    replica.lapse =
      ttlMs === undefined ? undefined : this.alarms.after(ttlMs, () => void this.unbind(poolId, replicaId));
  }

  private adapterOf({ engine }: Binding): EngineAdapter {
    const adapter = this.engines.find(engine);
    if (adapter) return adapter;
    const message = `engine must be one of: ${this.engines.names().join(', ')}`;
    throw new ServiceError('INVALID_PARAMS', { field: 'engine', message });
  }

  private assertRoom(poolId: string): void {
    const isNewPool = !this.poolsById.has(poolId);
    if (this.replicaCount < MAX_REPLICAS && !(isNewPool && this.poolsById.size >= MAX_POOLS)) return;
    const message = `no further one can be bound: at most ${MAX_POOLS} pools and ${MAX_REPLICAS} replicas`;
    throw new ServiceError('INVALID_PARAMS', { field: isNewPool ? 'pool_id' : 'replica_id', message });
  }

  private state(poolId: string, replicaId: string): ReplicaState | undefined {
    return this.poolsById.get(poolId)?.replicas.get(replicaId);
  }
}

/** A copy, for the holders release while they are being told. */
function revokeAll(leases: Iterable<MemoryLease>, reason: ServiceError): number {
  const held = [...leases];
  for (const lease of held) lease.revoke(reason);
  return held.length;
}

function replacedBy({ engine }: Binding): ServiceError {
  return new ServiceError('WORKER_RESET', { engine, message: 'The engine is gone: another took its place.' });
}
