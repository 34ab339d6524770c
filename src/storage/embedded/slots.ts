import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Candidate } from '../../pools/placement/candidates.port';
import type { Lease } from '../../pools/registry/pool';
import type { PoolChange } from '../../pools/registry/pool-registry.port';
import type { SessionStatus } from '../../sessions/session-store.port';
import { MemoryPoolRegistry } from '../memory/pool-registry.memory';

/** A candidate with a free slot, as one task sees it. */
export interface FreeSlot extends Candidate {
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
   * The best candidate with a free slot, by an order that can be explained and repeated: the session's last replica, for its KV cache
   * may be warm; preferred pools; where the model is loaded already; the most free slots; pool id; replica id.
   */
  bestOf(candidates: readonly Candidate[], warm: SessionStatus['lastReplica']): FreeSlot | undefined {
    let best: FreeSlot | undefined;
    for (const candidate of candidates) {
      const free = this.registry.slotsFree(candidate.poolId, candidate.replicaId);
      if (free === 0) continue;
      const { poolId, replicaId, preferred, model, mustLoad } = candidate;
      const isWarm = warm?.poolId === poolId && warm.replicaId === replicaId;
      const slot = { poolId, replicaId, preferred, model, mustLoad, free, isWarm };
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
