import type { MaybeLater } from '../time/maybe-later';

/** Amounts of the three budgets. */
export interface Spend {
  /** Generated ones; a prompt's do not count. */
  readonly tokens: number;
  /** Of engines at work. */
  readonly timeMs: number;
  /** In the unit of `ORCHD_COST_PER_1K_TOKENS`. */
  readonly cost: number;
}

export interface SessionStatus {
  readonly sessionId: string;
  readonly ttlMsRemaining: number;
  readonly turns: number;
  /** Budget less what is spent less what is reserved: what a new task could still use. Never below 0. */
  readonly remaining: Spend;
  /** Where its last attempt ran (its KV cache may still be warm there). */
  readonly lastReplica?: { readonly poolId: string; readonly replicaId: string };
  /** Its tasks that were admitted and have not ended. */
  readonly liveTasks: number;
  /** It is one task's own and goes with it: nothing of it is kept. */
  readonly transient: boolean;
  /** What ended tasks have used in all: what the journal keeps of the session. */
  readonly spent: Spend;
}

/**
 * Sessions with a time to live and exact budgets, for those who look at them or forget them. What a task may use is reserved
 * with its admission and settled with its end: the task ledger does both.
 */
export abstract class SessionStore {
  /** The session, made if missing; looking does not renew its time to live. */
  abstract open(sessionId: string): MaybeLater<SessionStatus>;

  /**
   * Forgets the session with what it has spent, over a restart too; tasks of it that still run settle into nothing. Resolves
   * once that is durable, also where there is none.
   */
  abstract delete(sessionId: string): Promise<void>;
}
