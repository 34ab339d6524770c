import type { Observable } from 'rxjs';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import type { ServiceError } from '../../errors/service-error';
import type { MaybeLater } from '../../time/maybe-later';
import type { Binding, Lease, PoolStatus, ReplicaStatus, UnbindCause } from './pool';

/**
 * What changed, for those who cache or wait: dispatch, placement, capabilities, metrics. `slot-releasing`: an attempt was broken
 * off, and `slot-freed` follows when its slot is known to be free. `woken`: a lease was given on a replica whose engine was not asked
 * for its slots the last time, so others may have them.
 */
export interface PoolChange {
  readonly poolId: string;
  readonly replicaId?: string;
  /** Of `unbound`, where somebody has said it. */
  readonly cause?: UnbindCause;
  readonly kind: 'bound' | 'unbound' | 'health' | 'draining' | 'reloading' | 'slot-freed' | 'slot-releasing' | 'woken';
}

/** True for a change of slots in use: which replicas there are, and how they are, is as it was. */
export function isOfSlots({ kind }: PoolChange): boolean {
  return kind === 'slot-freed' || kind === 'slot-releasing' || kind === 'woken';
}

/** Whether a task may have become able to start. */
export function opensPlaces({ kind }: PoolChange): boolean {
  return kind !== 'unbound' && kind !== 'slot-releasing' && kind !== 'woken';
}

/** `bound` a new binding; `renewed` the same one again; `kept` another address was named but the bound one is alive. */
export type BindOutcome = 'bound' | 'renewed' | 'replaced' | 'kept';

/**
 * Which replicas there are, how they are, and who holds their slots.
 *
 * A slot in use is a lease object and nothing else is counted: `running` is the number of leases. The engine's own report
 * only ever lowers what is free: by what others use, and by what is still at work on an attempt that was broken off, for hanging up
 * on an engine does not stop it at once. A pool exists from its first binding until its last replica is gone and it is not draining.
 * Each verb is one step, seen whole or not at all; `changes$` tells of it after that.
 * Deliberately left out: how engines are asked (the prober), which replica suits a task (placement).
 */
export abstract class PoolRegistry {
  /** Every change, as it happens; never errors. */
  abstract readonly changes$: Observable<PoolChange>;

  /** Those of them that are not of slots, for who need not hear of each attempt that ends; told before. */
  abstract readonly poolChanges$: Observable<PoolChange>;

  /** Makes, renews or replaces a binding. A replica that is bound and alive keeps its address whatever is named now. */
  abstract bind(binding: Binding): Promise<BindOutcome>;

  /** Binds it as it is kept, in place of what is bound, also where that is alive: its tasks may end in peace. */
  abstract place(binding: Binding): Promise<void>;

  /** The replica takes no new task at once and is forgotten when its last lease ends, both of which is told with the cause; false when there is none. */
  abstract unbind(poolId: string, replicaId: string, cause?: UnbindCause): Promise<boolean>;

  /**
   * Takes in what a probe said. Leases of a replica that is dead by that are ended with WORKER_RESET, each once nothing was heard
   * on it for as long as a probe may take: an engine that sends is not dead, whatever it answers to probes.
   * @param askedAtMs monotonic, when the question was put; since the last probe where it is not given
   */
  abstract observe(poolId: string, replicaId: string, probe: EngineProbe, askedAtMs?: number): Promise<void>;

  /** An attempt has found that the engine cannot load a model: it counts as failed for a while, or until it is seen loaded. */
  abstract modelFailed(poolId: string, replicaId: string, model: string, reason: string): Promise<void>;

  abstract pool(poolId: string): Promise<PoolStatus | undefined>;

  abstract pools(): Promise<readonly PoolStatus[]>;

  /** Another number after each change but a slot's: what was made of {@link view} before says nothing any more. */
  abstract readonly version: number;

  /** The pools by id, as this node sees them now; what it holds of each stays the same until that pool changes. */
  abstract view(): readonly PoolStatus[];

  /** Free slots of a replica: none of one that is not ready, or whose pool takes no work. */
  abstract slotsFree(poolId: string, replicaId: string): number;

  /** Attempts of this node that were broken off, and that the engine may still be busy with; 0 where there is no such replica. */
  abstract releasing(poolId: string, replicaId: string): number;

  abstract replica(poolId: string, replicaId: string): Promise<ReplicaStatus | undefined>;

  /** Starts or ends draining; false when there is no such pool. */
  abstract setDraining(poolId: string, draining: boolean): Promise<boolean>;

  /** As a start of draining, also of a pool that has no replica yet: it may get one later, and drains then. */
  abstract restoreDraining(poolId: string): Promise<void>;

  /**
   * While it is reloaded by anybody, the pool gives no leases and is not ready; false when there is no such pool.
   * @param by one of several who do, each of which ends what it has begun
   */
  abstract setReloading(poolId: string, reloading: boolean, by?: string): Promise<boolean>;

  /** Kept with the pool and shown in its view. */
  abstract recordPurge(poolId: string, report: unknown): Promise<void>;

  /** For the ledger: leases a slot of this replica for a run of `model`; undefined when it has none free, is not ready, or its pool takes no work. */
  abstract acquire(poolId: string, replicaId: string, model?: string): MaybeLater<Lease | undefined>;

  /** Ends every lease of a pool with this error (through {@link Lease.revoked$}); resolves to how many. */
  abstract revoke(poolId: string, reason: ServiceError): Promise<number>;
}
