import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Place } from '../../pools/placement/placement-rules';
import type { Lease } from '../../pools/registry/pool';
import type { PoolChange } from '../../pools/registry/pool-registry.port';
import type { SessionView } from '../../sessions/session-store.port';
import { MemoryPoolRegistry } from '../memory/pool-registry.memory';

/** A place with a free slot, as one task sees it. */
export interface FreeSlot extends Place {
  readonly free: number;
  /** The session's last attempt ran there. */
  readonly isWarm: boolean;
}

/** The slots of this process's pools, as the ledger takes them. */
@Injectable()
export class Slots {
  readonly changes$: Observable<PoolChange>;

  constructor(private readonly registry: MemoryPoolRegistry) {
    this.changes$ = registry.changes$;
  }

  /** Whether any slot is free at all. */
  get anyFree(): boolean {
    return this.registry.anySlotFree;
  }

  /**
   * The best place with a free slot, by an order that can be explained and repeated: the session's last replica, for its KV cache
   * may be warm; preferred pools; where the model is loaded already; the most free slots; pool id; replica id.
   */
  bestOf(places: readonly Place[], warm: SessionView['lastReplica']): FreeSlot | undefined {
    let best: FreeSlot | undefined;
    for (const place of places) {
      const free = this.registry.slotsFree(place.poolId, place.replicaId);
      if (free === 0) continue;
      const slot = { ...place, free, isWarm: warm?.poolId === place.poolId && warm.replicaId === place.replicaId };
      if (!best || isBetter(slot, best)) best = slot;
    }
    return best;
  }

  take({ poolId, replicaId, model }: FreeSlot): Lease | undefined {
    return this.registry.acquire(poolId, replicaId, model);
  }
}

function isBetter(a: FreeSlot, b: FreeSlot): boolean {
  if (a.isWarm !== b.isWarm) return a.isWarm;
  if (a.preferred !== b.preferred) return a.preferred;
  if (a.mustLoad !== b.mustLoad) return b.mustLoad;
  if (a.free !== b.free) return a.free > b.free;
  if (a.poolId !== b.poolId) return a.poolId < b.poolId;
  return a.replicaId < b.replicaId;
}
