/** Amounts of the three budgets. */
export interface Spend {
  readonly tokens: number;
  readonly timeMs: number;
  readonly cost: number;
}

export interface SessionView {
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

export type ReserveOutcome =
  | { readonly ok: true; readonly session: SessionView }
  | {
      readonly ok: false;
      readonly budget: 'tokens' | 'time' | 'cost';
      /** True when the amount is spent for good, false when it is only reserved by tasks still running. */
      readonly spent: boolean;
      readonly session: SessionView;
    };

/**
 * Sessions with a time to live and exact budgets. A reservation is the most a task can use; at its end it is settled with
 * what it did use. The sum of what is spent and reserved never passes a budget, however many tasks run at once.
 * A session holds no prompt and no output. A session with live tasks neither lapses nor is evicted.
 */
export abstract class SessionStore {
  /** The session, made if missing; looking does not renew its time to live. */
  abstract open(sessionId: string): Promise<SessionView>;

  /** Reserves for one task, making the session if missing; one that only `transient` tasks have reserved from goes with the last of them. */
  abstract reserve(sessionId: string, taskId: string, most: Spend, transient: boolean): Promise<ReserveOutcome>;

  /** Ends a reservation: what was used is spent, the rest is free again. A second settling of a task does nothing. */
  abstract settle(sessionId: string, taskId: string, used: Spend, countTurn: boolean): Promise<SessionView>;

  /** Remembers where the session's last attempt ran. */
  abstract placed(sessionId: string, poolId: string, replicaId: string): Promise<void>;

  /** What a session had used before a restart. */
  abstract restore(sessionId: string, spent: Spend, turns: number): Promise<void>;

  /** Forgets the session; tasks of it that still run settle into nothing. True when there was one. */
  abstract delete(sessionId: string): Promise<boolean>;
}
