import { TurnoverSet } from '../../collections/turnover-set';
import type { PoolStatus, ReplicaStatus } from '../../pools/registry/pool';
import type { MemoryLease } from './memory-lease';
import type { ReplicaState } from './replica-state';

/** One pool of the registry. */
export class MemoryPool {
  readonly replicas = new Map<string, ReplicaState>();
  /** Of all its replicas, those included whose place another has taken meanwhile. */
  readonly leases = new TurnoverSet<MemoryLease>();
  draining = false;
  /** Who has a reload of it under way. */
  private readonly reloaders = new Set<string>();
  lastPurge: unknown;

  constructor(readonly poolId: string) {}

  get reloading(): boolean {
    return this.reloaders.size > 0;
  }

  get takesWork(): boolean {
    return !this.draining && !this.reloading;
  }

  /** True where that is new. */
  setReloading(reloading: boolean, by: string): boolean {
    if (this.reloaders.has(by) === reloading) return false;
    if (reloading) this.reloaders.add(by);
    else this.reloaders.delete(by);
    return true;
  }

  view(): PoolStatus {
    const { poolId, takesWork, draining, reloading, lastPurge } = this;
    const replicas = [...this.replicas.values()].map(replica => replica.view());
    let foreign = 0;
    for (const replica of this.replicas.values()) foreign += replica.foreign;
    const lastError = replicas.find(replica => !replica.ready)?.lastError;
    return {
      poolId,
      live: replicas.some(replica => replica.live),
      ready: takesWork && replicas.some(replica => replica.ready),
      draining,
      reloading,
      slotsTotal: sum(replicas, replica => replica.slotsTotal),
      slotsFree: takesWork ? sum(replicas, replica => replica.slotsFree) : 0,
      running: this.leases.size + foreign,
      releasing: sum(replicas, replica => replica.releasing),
      ...(lastError !== undefined && { lastError }),
      replicas,
      ...(lastPurge !== undefined && { lastPurge }),
    };
  }
}

function sum(replicas: readonly ReplicaStatus[], pick: (replica: ReplicaStatus) => number): number {
  return replicas.reduce((total, replica) => total + pick(replica), 0);
}
