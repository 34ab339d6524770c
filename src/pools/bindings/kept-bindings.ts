import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, type Subscription } from 'rxjs';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { KeptOrders } from '../registry/kept-orders';
import { PoolStore, type KeptBinding } from '../registry/pool-store.port';
import type { ReplicaStatus, UnbindCause } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';

interface ReplicaOrder {
  readonly poolId: string;
  readonly replicaId: string;
  /** Of a removal: only where this node has bound it. */
  readonly isOwn?: boolean;
}

/**
 * Keeps which replicas are bound, so that a restart knows whom to ask. It looks at how the registry stands
 * and writes the difference, one replica after another: whatever order changes come in, the last state is what is kept.
 */
@Injectable()
export class KeptBindings implements OnModuleInit, OnModuleDestroy {
  /** The {@link formOf} what is kept, by replica; undefined until it was read: before its recovery nothing may be written. */
  private kept: Map<string, string> | undefined;
  private readonly orders: KeptOrders;
  private unbound: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly store: PoolStore,
    alarms: Alarms,
    narrator: Narrator,
  ) {
    this.orders = new KeptOrders(alarms, {
      again: name => store.tellAgain({ of: 'bindings', name }),
      failed: (name, cause) => {
        const [pool_id, replica_id] = name.split('/');
        const fields = { event: 'binding_not_kept', pool_id, replica_id };
        narrator.warn(`The journal does not know yet how ${name} is bound; it is told again.`, fields, cause);
      },
    });
  }

  onModuleInit(): void {
    // Also those that nobody asked for: a registration's time to live can end.
    this.unbound = this.registry.poolChanges$.pipe(filter(change => change.kind === 'unbound')).subscribe(change => {
      const { poolId, replicaId, cause } = change;
      // Nobody has asked for it here, and where it was renewed elsewhere it is there.
      if (replicaId !== undefined) void this.keep(poolId, replicaId, isOfItself(cause));
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

  /** Whether this replica is kept, as far as is known here. */
  has(poolId: string, replicaId: string): boolean {
    return this.kept?.has(keyOf({ poolId, replicaId })) === true;
  }

  /** An order about this replica is given or kept here: what is told of it is older. */
  passesOver(poolId: string, replicaId: string): boolean {
    return this.orders.passesOver(keyOf({ poolId, replicaId }));
  }

  /** What is kept of a replica, by another node; undefined: nothing any more. */
  learn(poolId: string, replicaId: string, binding: KeptBinding | undefined): void {
    const key = keyOf({ poolId, replicaId });
    if (binding) this.kept?.set(key, formOf(binding));
    else this.kept?.delete(key);
  }

  /** An order about a replica, and what it made of it, to be kept: also where that is nothing new, for another node may have changed it. */
  async order<T>({ poolId, replicaId, isOwn = false }: ReplicaOrder, order: () => Promise<T>): Promise<T> {
    const key = keyOf({ poolId, replicaId });
    return this.orders.during(key, async () => {
      const outcome = await order();
      await this.orders.write(key, () => this.write(poolId, replicaId, isOwn, true));
      return outcome;
    });
  }

  /** Resolves once what is kept of this replica is what the registry says, or told that it is not yet. */
  keep(poolId: string, replicaId: string, isOwn = false): Promise<void> {
    return this.orders.write(keyOf({ poolId, replicaId }), () => this.write(poolId, replicaId, isOwn, false));
  }

  private async write(poolId: string, replicaId: string, isOwn: boolean, isAsked: boolean): Promise<void> {
    if (!this.kept) return;
    const key = keyOf({ poolId, replicaId });
    const replica = await this.registry.replica(poolId, replicaId);
    // Who has bound it keeps it.
    if (replica?.isElsewhere === true && !replica.leaving) return;
    const binding = worthKeeping(replica);
    if (binding && this.kept.get(key) !== formOf(binding)) {
      await this.store.saveBinding(binding);
      this.kept.set(key, formOf(binding));
    } else if (binding && isAsked) {
      await this.store.renewBinding(binding);
    } else if (!binding && this.kept.has(key)) {
      await this.store.removeBinding(poolId, replicaId, isOwn);
      this.kept.delete(key);
    }
  }
}

/** It goes by what was seen at this node, and not by somebody's order. */
export function isOfItself(cause: UnbindCause | undefined): boolean {
  return cause !== undefined && cause.reason !== 'operator';
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
