import type { Observable } from 'rxjs';
import type { EngineAdapter, EngineModel, EngineTarget } from '../../engines/engine-adapter.port';
import type { ServiceError } from '../../errors/service-error';

export const bindingSources = ['config', 'handoff', 'worker'] as const;

/** Who bound a replica, and so may take it away. */
export type BindingSource = (typeof bindingSources)[number];

/** Why a replica is unbound. */
export interface UnbindCause {
  /** `lapsed`: its time to live; `handoff_removed`, `handoff_changed`: what its file says no more; `operator`: a DELETE. */
  readonly reason: 'lapsed' | 'handoff_removed' | 'handoff_changed' | 'operator';
  /** The fingerprint of the operator's key. */
  readonly by?: string;
}

/** What a registration, a handoff file or the configuration says of a replica. */
export interface Binding {
  readonly poolId: string;
  readonly replicaId: string;
  readonly source: BindingSource;
  readonly engine: string;
  readonly engineVersion?: string;
  /** Undefined: the replica is known, but cannot be reached and so is never ready. */
  readonly url?: string;
  readonly slotsTotal?: number;
  readonly deviceMask?: string;
  /** The registration lapses after this long unless renewed. */
  readonly ttlMs?: number;
  /** As {@link EngineTarget.apiKeyFile}. */
  readonly apiKeyFile?: string;
  /** Another node was told of it, and says when it goes. */
  readonly isElsewhere?: boolean;
}

/** A binding as somebody names it. Of what kind the engine is, is found out where they do not say. */
export type NamedBinding = Omit<Binding, 'engine'> & { readonly engine?: string };

/** What is known of one replica. */
export interface ReplicaStatus {
  readonly poolId: string;
  readonly replicaId: string;
  readonly source: BindingSource;
  readonly engine: string;
  readonly engineVersion: string;
  readonly url?: string;
  readonly live: boolean;
  readonly ready: boolean;
  /** False until it is known how the engine is (of a binding known from before a restart, for one). */
  readonly probed: boolean;
  /** Takes no new task and goes away once idle. */
  readonly leaving: boolean;
  /** 0 until the engine was ready for the first time. */
  readonly slotsTotal: number;
  /** As {@link Binding.slotsTotal}: of an engine that tells no number of its own. */
  readonly slotsDeclared?: number;
  /** What neither our leases have, nor what they have left behind, nor others by the engine's report. */
  readonly slotsFree: number;
  /** Leases held now. */
  readonly running: number;
  /** Slots whose attempt was broken off, and that the engine may still be busy with: none of them is given. */
  readonly releasing: number;
  /** Of those, the ones whose attempt the engine had sent nothing of: it may be long in noticing that nobody listens. */
  readonly releasingUnheard: number;
  /** Slots that others used when the engine last told. */
  readonly slotsElsewhere: number;
  /** It gave its model's memory back, and takes the time of a load before it serves again; undefined: it never does. */
  readonly sleeping?: boolean;
  readonly ctxMax?: number;
  /** Undefined until the engine was ready for the first time; empty where it declares none. */
  readonly models?: readonly EngineModel[];
  readonly loadedModel?: string;
  readonly supportedWorkloads: readonly string[];
  readonly features: readonly string[];
  readonly kvUsageRatio?: number;
  readonly deviceMask?: string;
  /** As {@link Binding.ttlMs}. */
  readonly ttlMs?: number;
  /** As {@link Binding.apiKeyFile}. */
  readonly apiKeyFile?: string;
  readonly lastError?: string;
  /** As {@link Binding.isElsewhere}. */
  readonly isElsewhere?: boolean;
  /** Wall clock. */
  readonly boundAtMs: number;
  readonly lastSeenMs?: number;
}

export interface PoolStatus {
  readonly poolId: string;
  readonly live: boolean;
  readonly ready: boolean;
  readonly draining: boolean;
  readonly reloading: boolean;
  readonly slotsTotal: number;
  readonly slotsFree: number;
  readonly running: number;
  readonly releasing: number;
  readonly lastError?: string;
  readonly replicas: readonly ReplicaStatus[];
  readonly lastPurge?: unknown;
}

/**
 * The right to run one attempt on one slot of a replica. Held from {@link PoolRegistry.acquire} until released, and
 * released in one place; releasing twice does nothing.
 */
export interface Lease {
  readonly poolId: string;
  readonly replicaId: string;
  readonly engine: string;
  readonly engineVersion: string;
  /** The model that the attempt is to run, by its {@link EngineModel.id}. */
  readonly model?: string;
  /** That model was not loaded yet when the slot was given. */
  readonly loadsModel?: boolean;
  readonly adapter: EngineAdapter;
  readonly target: EngineTarget;
  /** The engine was asked and has not said its last word; whoever runs the attempt keeps it. */
  atWork: boolean;
  /** Batches that came from the engine; whoever runs the attempt counts them. A replica that is heard is not given up. */
  heard: number;
  /** The built-in engine answers in place of a pool. */
  readonly isStandIn?: boolean;
  /** Emits once when the attempt must end now: the pool's drain deadline passed, or its replica died or was taken away. */
  readonly revoked$: Observable<ServiceError>;
  /** The slot is free by it; where the engine is still {@link atWork}, once the engine says so or has had long enough. */
  release(): void;
}
