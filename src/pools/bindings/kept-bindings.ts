import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, type Subscription } from 'rxjs';
import { Narrator } from '../../observability/narrator';
import { PoolStore, type KeptBinding } from '../registry/pool-store.port';
import type { ReplicaStatus } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';

/**
 * Keeps which replicas are bound, so that a restart knows whom to ask. It looks at how the registry stands
 * and writes the difference, one replica after another: whatever order changes come in, the last state is what is kept.
 */
@Injectable()
export class KeptBindings implements OnModuleInit, OnModuleDestroy {
  /** The {@link formOf} what is kept, by replica; undefined until it was read: before its recovery nothing may be written. */
  private kept: Map<string, string> | undefined;
  /** Ends when all that was asked for so far is written. */
  private written: Promise<void> = Promise.resolve();
  private unbound: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly store: PoolStore,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    // Also those that nobody asked for: a registration's time to live can end.
    this.unbound = this.registry.poolChanges$.pipe(filter(change => change.kind === 'unbound')).subscribe(change => {
      const { poolId, replicaId, cause } = change;
      // Nobody has asked for it here, and where it was renewed elsewhere it is there.
      const isOwn = cause !== undefined && cause.reason !== 'operator';
      if (replicaId !== undefined) void this.keep(poolId, replicaId, isOwn);
    });
  }

  onModuleDestroy(): void {
    this.unbound?.unsubscribe();
  }

  /** Takes in what recovery found, and writes what was bound before that. */
  async begin(recovered: readonly KeptBinding[]): Promise<void> {
    this.kept = new Map(recovered.map(binding => [keyOf(binding), formOf(binding)]));
    for (const { replicas } of await this.registry.pools()) {
      for (const { poolId, replicaId } of replicas) await this.keep(poolId, replicaId);
    }
  }

  /** What other nodes have kept, and what they keep no more. */
  learn(kept: readonly KeptBinding[], gone: ReadonlySet<string>): void {
    for (const key of gone) this.kept?.delete(key);
    for (const binding of kept) this.kept?.set(keyOf(binding), formOf(binding));
  }

  /** Resolves once what is kept of this replica is what the registry says; a failure is told and not thrown. */
  keep(poolId: string, replicaId: string, isOwn = false): Promise<void> {
    this.written = this.written.then(() => this.write(poolId, replicaId, isOwn));
    return this.written;
  }

  private async write(poolId: string, replicaId: string, isOwn: boolean): Promise<void> {
    if (!this.kept) return;
    const key = keyOf({ poolId, replicaId });
    try {
      const replica = await this.registry.replica(poolId, replicaId);
      // Who has bound it keeps it.
      if (replica?.isElsewhere === true && !replica.leaving) return;
      const binding = worthKeeping(replica);
      if (binding && this.kept.get(key) !== formOf(binding)) {
        await this.store.saveBinding(binding);
        this.kept.set(key, formOf(binding));
      } else if (!binding && this.kept.has(key)) {
        await this.store.removeBinding(poolId, replicaId, isOwn);
        this.kept.delete(key);
      }
    } catch (cause) {
      // Nothing fails now; only a restart would have to be told anew.
      const fields = { event: 'binding_not_kept', pool_id: poolId, replica_id: replicaId };
      this.narrator.warn(`The journal does not know how ${key} is bound.`, fields, cause);
    }
  }
}

/** The configuration names its replica again by itself, and one that leaves shall not come back. */
function worthKeeping(replica: ReplicaStatus | undefined): KeptBinding | undefined {
  if (replica?.url === undefined || replica.leaving || replica.source === 'config') return undefined;
  const { poolId, replicaId, engine, url, source, ttlMs, apiKeyFile, slotsDeclared } = replica;
  return {
    ...{ poolId, replicaId, engine, url, source },
    ...(ttlMs !== undefined && { ttlMs }),
    ...(apiKeyFile !== undefined && { apiKeyFile }),
    ...(slotsDeclared !== undefined && { slotsTotal: slotsDeclared }),
  };
}

function keyOf({ poolId, replicaId }: Pick<KeptBinding, 'poolId' | 'replicaId'>): string {
  return `${poolId}/${replicaId}`;
}

/** Differs where the store has to be told. A renewal is none: a time to live begins anew with each start. */
function formOf({ engine, url, source, ttlMs, apiKeyFile, slotsTotal, isElsewhere }: KeptBinding): string {
  return [engine, url, source, ttlMs, apiKeyFile, slotsTotal, isElsewhere].join(' ');
}
