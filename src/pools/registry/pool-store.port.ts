import type { Observable } from 'rxjs';
import type { MaybeLater } from '../../time/maybe-later';

/** A binding known before a restart: what is needed to probe it again, and to know who may take it away. */
export interface KeptBinding {
  readonly poolId: string;
  readonly replicaId: string;
  readonly engine: string;
  readonly url: string;
  readonly source: string;
  /** It lapses this long after a restart unless it is renewed; undefined: never by itself. */
  readonly ttlMs?: number;
  /** The name of the file with its engine's key; never the key. */
  readonly apiKeyFile?: string;
  /** How many requests it runs at once, where its registration says so. */
  readonly slotsTotal?: number;
  /** Another node has bound it, and may take it away. */
  readonly isElsewhere?: boolean;
}

/** A drain that nobody has taken back. */
export interface KeptDrain {
  readonly poolId: string;
  /** What it was ordered with. */
  readonly deadlineMs: number;
  /** Wall clock: what still runs on the pool then is ended. */
  readonly deadlineAtMs: number;
}

/** How long a node counts as there that says nothing; no shorter than its leases, for it may go on with what it runs till then. */
export const NODE_GONE_MS = 15_000;

/** A reload or a purge that is under way. */
export interface PoolWork {
  /** Of what was begun later it is the greater one, as text. */
  readonly id: string;
  readonly poolId: string;
  readonly operation: 'reload' | 'purge';
  /** The pool gives no leases meanwhile. */
  readonly closes: boolean;
  /** What runs on the pool is ended so long after the work began; undefined: it is not. */
  readonly endsAfterMs?: number;
}

/** What the last purge of a pool came to, as JSON. */
export interface KeptPurge {
  readonly poolId: string;
  readonly report: string;
}

/** What other nodes do to pools, and have done. */
export interface WorkOfOthers {
  readonly works: readonly PoolWork[];
  readonly purges: readonly KeptPurge[];
}

/** Of all nodes. */
export interface KeptPools {
  readonly bindings: readonly KeptBinding[];
  readonly drains: readonly KeptDrain[];
}

/**
 * What is kept now, and what is kept no more though this node has written or heard of it. Of what this node is writing nothing is told: what the
 * store says of that may be older.
 */
export interface ChangedPools extends KeptPools, WorkOfOthers {
  /** `pool/replica` of each. */
  readonly bindingsGone: ReadonlySet<string>;
  /** Pools that drain no more. */
  readonly drainsGone: ReadonlySet<string>;
}

/** The `pool/replica` of a binding, or the pool of a drain. */
export interface KeptName {
  readonly of: 'bindings' | 'drains';
  readonly name: string;
}

/**
 * What has to be known of pools after a restart: who is bound, which pools drain, and whether there ever was an engine.
 *
 * Every write resolves once it is durable, and rejects with STORAGE_UNAVAILABLE when it is not and never will be: then nothing of it is
 * kept. Writes become durable in the order of their calls; each is one step. Nothing may be written before {@link recovered} has resolved.
 */
export abstract class PoolStore {
  /** As it stood when this process started; the same answer however often it is asked. */
  abstract recovered(): Promise<KeptPools & { readonly hadEngine: boolean }>;

  /** Whenever another node has changed something; spurious ones too. Never where there is no other. */
  abstract readonly changed$: Observable<ChangedPools>;

  /**
   * {@link changed$} tells soon how all stands now.
   * @param passedOver a name of which something was told that was not taken in: also where it is that it is gone
   */
  abstract tellAgain(passedOver?: KeptName): void;

  /** In place of what was kept of this replica. */
  abstract saveBinding(binding: KeptBinding): Promise<void>;

  /** It was saved here so, and is to be kept so: saved again where another node has changed or removed it since. */
  abstract renewBinding(binding: KeptBinding): MaybeLater<void>;

  /**
   * Nothing where none is kept.
   * @param isOwn only where this node has made it: another one may have renewed it since, which is not known here yet
   */
  abstract removeBinding(poolId: string, replicaId: string, isOwn?: boolean): Promise<void>;

  /** Of a pool that is known to drain already: with a new deadline. */
  abstract saveDrain(drain: KeptDrain): Promise<void>;

  /** Nothing where none is kept. */
  abstract removeDrain(poolId: string): Promise<void>;

  /** Of reloads and purges of a pool, one at a time, whichever nodes they are asked of: what is under way instead, or nothing where this begins. */
  abstract beginWork(work: PoolWork): MaybeLater<PoolWork['operation'] | undefined>;

  /**
   * Resolves to true once each other node that is there has told its listeners of this work, which is under way: what they do for it follows,
   * also where it is over by then. To false where `signal` fires first.
   */
  abstract heardByAll(work: PoolWork, signal: AbortSignal): MaybeLater<boolean>;

  /** It is over; so it is where its node is no more. */
  abstract endWork(work: PoolWork, purge?: KeptPurge): MaybeLater<void>;

  /** An engine was bound here once: so it stays. */
  abstract saveEngineSeen(): Promise<void>;
}
