import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { MemoryPoolRegistry } from '../memory/pool-registry.memory';
import { Store } from './connection/store';
import type { StoreTask } from './held-task';
import { freeCutsScript } from './scripts/attempt-scripts';

/**
 * Slots of attempts that this node has broken off: the engine may be busy with them for a while, so that no node may give them. This node
 * watches the engine, and says when they are free; should it not, they are after 15 s.
 */
@Injectable()
export class CutSlots implements OnModuleInit, OnModuleDestroy {
  /** Tokens, oldest first, by replica. Bounded by slots. */
  private readonly cuts = new Map<string, string[]>();
  private changes: Subscription | undefined;

  constructor(
    private readonly store: Store,
    private readonly registry: MemoryPoolRegistry,
  ) {}

  onModuleInit(): void {
    this.changes = this.registry.changes$.subscribe(({ poolId, replicaId }) => {
      if (replicaId !== undefined && this.cuts.size > 0) this.look(poolId, replicaId);
    });
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  /** Whether the slot of a task is to be kept when it is let go of. */
  isCut({ claim }: StoreTask): boolean {
    return claim?.lease.atWork === true && claim.lease.isStandIn !== true;
  }

  /** The store keeps the slot of this task; its lease is given up after this. */
  add({ claim, token }: StoreTask): void {
    if (!claim) return;
    const name = `${claim.lease.poolId}/${claim.lease.replicaId}`;
    this.cuts.set(name, [...(this.cuts.get(name) ?? []), token]);
  }

  /** As many as the engine is still waited for stay. */
  private look(poolId: string, replicaId: string): void {
    const name = `${poolId}/${replicaId}`;
    const tokens = this.cuts.get(name) ?? [];
    const freed = tokens.splice(0, tokens.length - this.registry.releasing(poolId, replicaId));
    if (tokens.length === 0) this.cuts.delete(name);
    // Should the store be away, they lapse.
    if (freed.length > 0) this.store.run(freeCutsScript, name, ...freed).catch(() => undefined);
  }
}
