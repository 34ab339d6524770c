import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import { Config } from '../../config/config';
import type { EngineAdapter, EngineProbe } from '../../engines/engine-adapter.port';
import { EngineRegistry } from '../../engines/engine-registry';
import { ServiceError } from '../../errors/service-error';
import { StorageReach } from '../../lifecycle/storage-reach.port';
import type { Binding, Lease, PoolStatus, ReplicaStatus, UnbindCause } from '../../pools/registry/pool';
import { isOfSlots, PoolRegistry, type BindOutcome, type PoolChange } from '../../pools/registry/pool-registry.port';
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
  private readonly changes = new Subject<PoolChange>();
  private readonly poolChanges = new Subject<PoolChange>();
  private changeCount = 0;
  override readonly changes$ = this.changes.asObservable();
  override readonly poolChanges$ = this.poolChanges.asObservable();

  constructor(
    private readonly config: Config,
    private readonly engines: EngineRegistry,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly reach: StorageReach,
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
      this.put(binding, adapter);
      return 'bound';
    }
    if (bound.isAt(binding)) {
      const changed = bound.renew(binding);
      // A renewal by somebody else neither sets its time nor puts it off.
      if (bound.source === binding.source) this.armLapse(bound, binding);
      if (changed) this.tell({ poolId, replicaId, kind: 'bound' });
      return 'renewed';
    }
    // One that is on its way out has no claim to its place any more; its tasks may still end in peace.
    if (bound.live && !bound.leaving) return 'kept';
    this.replace(bound, binding, adapter);
    return 'replaced';
  }

  async place(binding: Binding): Promise<void> {
    const { poolId, replicaId } = binding;
    const adapter = this.adapterOf(binding);
    const bound = this.state(poolId, replicaId);
    if (bound?.isAt(binding) === true) {
      bound.become(binding);
      this.armLapse(bound, binding);
      this.tell({ poolId, replicaId, kind: 'bound' });
    } else if (bound) {
      this.replace(bound, binding, adapter);
    } else {
      this.assertRoom(poolId);
      this.put(binding, adapter);
    }
  }

  async unbind(poolId: string, replicaId: string, cause?: UnbindCause): Promise<boolean> {
    const replica = this.state(poolId, replicaId);
    if (!replica) return false;
    if (replica.leaving) return true;
    replica.leave(cause);
    if (replica.leases.size === 0) this.forget(poolId, replicaId);
    this.tellUnbound(poolId, replicaId, replica);
    return true;
  }

  async observe(poolId: string, replicaId: string, probe: EngineProbe, askedAtMs?: number): Promise<void> {
    const replica = this.state(poolId, replicaId);
    if (!replica) return;
    const { change, freed } = replica.observe(probe, askedAtMs);
    if (change) this.tell({ poolId, replicaId, kind: 'health' });
    if (freed) this.tell({ poolId, replicaId, kind: 'slot-freed' });
    const silent = replica.silentLeases(this.config.probeTimeoutMs);
    if (!replica.live) revokeAll(silent, gone(replica.view()));
  }

  async modelFailed(poolId: string, replicaId: string, model: string, reason: string): Promise<void> {
    const noticed = this.state(poolId, replicaId)?.modelFailed(model, reason);
    if (noticed) this.tell({ poolId, replicaId, kind: 'health' });
  }

  async pool(poolId: string): Promise<PoolStatus | undefined> {
    return this.poolsById.get(poolId)?.view();
  }

  async pools(): Promise<readonly PoolStatus[]> {
    return this.view();
  }

  view(): readonly PoolStatus[] {
    const pools = [...this.poolsById.values()].sort((a, b) => (a.poolId < b.poolId ? -1 : 1));
    return pools.map(pool => pool.view());
  }

  async replica(poolId: string, replicaId: string): Promise<ReplicaStatus | undefined> {
    return this.state(poolId, replicaId)?.view();
  }

  async setDraining(poolId: string, draining: boolean): Promise<boolean> {
    const pool = this.poolsById.get(poolId);
    if (!pool) return false;
    pool.draining = draining;
    this.dropIfEmpty(pool);
    this.tell({ poolId, kind: 'draining' });
    return true;
  }

  /** Not bounded: as many as there were pools when the drains were ordered. */
  async restoreDraining(poolId: string): Promise<void> {
    this.poolOf(poolId).draining = true;
    this.tell({ poolId, kind: 'draining' });
  }

  async setReloading(poolId: string, reloading: boolean, by = ''): Promise<boolean> {
    const pool = this.poolsById.get(poolId);
    if (!pool) return false;
    if (pool.setReloading(reloading, by)) this.tell({ poolId, kind: 'reloading' });
    return true;
  }

  async recordPurge(poolId: string, report: unknown): Promise<void> {
    const pool = this.poolsById.get(poolId);
    if (pool) pool.lastPurge = report;
  }

  get version(): number {
    return this.changeCount;
  }

  get anySlotFree(): boolean {
    for (const pool of this.poolsById.values()) {
      if (!pool.takesWork) continue;
      for (const replica of pool.replicas.values()) if (replica.slotsFree > 0) return true;
    }
    return false;
  }

  slotsFree(poolId: string, replicaId: string): number {
    const pool = this.poolsById.get(poolId);
    return pool?.takesWork ? (pool.replicas.get(replicaId)?.slotsFree ?? 0) : 0;
  }

  /** Slots that a ledger over several nodes may give: whether they are free it knows by itself. */
  slotsOurs(poolId: string, replicaId: string): number {
    const pool = this.poolsById.get(poolId);
    return pool?.takesWork ? (pool.replicas.get(replicaId)?.slotsOurs ?? 0) : 0;
  }

  releasing(poolId: string, replicaId: string): number {
    return this.state(poolId, replicaId)?.releasing ?? 0;
  }

  /** How many slots of a replica all nodes together have taken; those beyond ours are other nodes'. */
  slotsTaken(poolId: string, replicaId: string, byAll: number): void {
    const replica = this.state(poolId, replicaId);
    if (replica?.takenByAll(byAll) === true) this.tell({ poolId, replicaId, kind: 'slot-freed' });
  }

  acquire(poolId: string, replicaId: string, model?: string): Lease | undefined {
    return this.slotsFree(poolId, replicaId) === 0 ? undefined : this.grant(poolId, replicaId, model);
  }

  /** As {@link acquire}, of a slot that is known to be free; undefined where there is no such replica any more. */
  grant(poolId: string, replicaId: string, model?: string): Lease | undefined {
    const pool = this.poolsById.get(poolId);
    const replica = pool?.replicas.get(replicaId);
    if (!pool || !replica) return undefined;
    const lease = replica.lease(model, freed => {
      pool.leases.delete(seat);
      const isLast = replica.leaving && replica.leases.size === 0 && pool.replicas.get(replicaId) === replica;
      if (isLast) pool.replicas.delete(replicaId);
      this.dropIfEmpty(pool);
      this.tell({ poolId, replicaId, kind: freed ? 'slot-freed' : 'slot-releasing' });
      if (isLast) this.tellUnbound(poolId, replicaId, replica);
    });
    const seat = pool.leases.add(lease);
    if (replica.isSpared && replica.leases.size === 1) this.tell({ poolId, replicaId, kind: 'woken' });
    return lease;
  }

  async revoke(poolId: string, reason: ServiceError): Promise<number> {
    return revokeAll(this.poolsById.get(poolId)?.leases ?? [], reason);
  }

  private replace(bound: ReplicaState, binding: Binding, adapter: EngineAdapter): void {
    bound.leave();
    this.put(binding, adapter);
    if (!bound.live) revokeAll(bound.leases, replacedBy(binding));
  }

  /** Where there was one before, it keeps nothing but its leases. */
  private put(binding: Binding, adapter: EngineAdapter): void {
    const { poolId, replicaId } = binding;
    const pool = this.poolOf(poolId);
    const replica = new ReplicaState(binding, adapter, this.clock, this.config.modelRetryMs);
    pool.replicas.set(replicaId, replica);
    this.armLapse(replica, binding);
    this.tell({ poolId, replicaId, kind: 'bound' });
  }

  private tellUnbound(poolId: string, replicaId: string, { leavesBecause: cause }: ReplicaState): void {
    this.tell({ poolId, replicaId, kind: 'unbound', ...(cause && { cause }) });
  }

  private tell(change: PoolChange): void {
    if (!isOfSlots(change)) {
      // First, so that whoever hears of the change finds it.
      this.changeCount++;
      this.poolChanges.next(change);
    }
    this.changes.next(change);
  }

  private poolOf(poolId: string): MemoryPool {
    const known = this.poolsById.get(poolId);
    if (known) return known;
    const pool = new MemoryPool(poolId);
    this.poolsById.set(poolId, pool);
    return pool;
  }

  private forget(poolId: string, replicaId: string): void {
    const pool = this.poolsById.get(poolId);
    if (!pool?.replicas.delete(replicaId)) return;
    this.dropIfEmpty(pool);
  }

  private dropIfEmpty({ poolId, replicas, draining, leases }: MemoryPool): void {
    if (replicas.size === 0 && leases.size === 0 && !draining) this.poolsById.delete(poolId);
  }

  private armLapse(replica: ReplicaState, binding: Binding, fromMs = this.clock.nowMs()): void {
    const { poolId, replicaId, ttlMs } = binding;
    replica.lapse?.cancel();
    replica.lapse = undefined;
    if (ttlMs === undefined) return;
    replica.lapse = this.alarms.at(fromMs + ttlMs, () => {
      const { isCutOff, regainedAtMs } = this.reach;
      // Who would renew is sent to no node that is cut off: as after a start the time begins anew.
      if (isCutOff) this.armLapse(replica, binding);
      else if (regainedAtMs > fromMs) this.armLapse(replica, binding, regainedAtMs);
      else void this.unbind(poolId, replicaId, { reason: 'lapsed' });
    });
  }

  private adapterOf({ engine }: Binding): EngineAdapter {
    const adapter = this.engines.find(engine);
    if (adapter) return adapter;
    const message = `engine must be one of: ${this.engines.names().join(', ')}`;
    throw new ServiceError('INVALID_PARAMS', { field: 'engine', message });
  }

  private assertRoom(poolId: string): void {
    if (!this.poolsById.has(poolId) && this.poolsById.size >= MAX_POOLS) {
      throw new ServiceError('INVALID_PARAMS', {
        field: 'pool_id',
        message: `there are ${MAX_POOLS} pools already: unbind one first`,
      });
    }
    const replicas = [...this.poolsById.values()].reduce((count, pool) => count + pool.replicas.size, 0);
    if (replicas < MAX_REPLICAS) return;
    const message = `there are ${MAX_REPLICAS} replicas already: unbind one first`;
    throw new ServiceError('INVALID_PARAMS', { field: 'replica_id', message });
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

function gone({ engine, lastError }: ReplicaStatus): ServiceError {
  return new ServiceError('WORKER_RESET', { engine, message: `The engine is gone. ${lastError ?? ''}`.trim() });
}

function replacedBy({ engine }: Binding): ServiceError {
  return new ServiceError('WORKER_RESET', { engine, message: 'The engine is gone: another took its place.' });
}
