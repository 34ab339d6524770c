import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { SessionStore, type ReserveOutcome, type SessionView, type Spend } from '../../sessions/session-store.port';
import { Clock } from '../../time/clock';

/** Amounts in whole units, so that sums never drift: tokens, milliseconds, and millionths of the cost's unit. */
interface Amounts {
  readonly tokens: number;
  readonly timeMs: number;
  readonly microCost: number;
}

interface Session {
  spent: Amounts;
  reserved: Amounts;
  turns: number;
  /** Monotonic; renewed by work. */
  renewedAtMs: number;
  readonly tasks: Map<string, Amounts>;
  readonly transient: boolean;
  lastReplica: { readonly poolId: string; readonly replicaId: string } | undefined;
}

const nothing: Amounts = { tokens: 0, timeMs: 0, microCost: 0 };
const MICRO = 1_000_000;

/** Sessions in this process. The map's order is the order of renewal, so the longest idle is at its head. */
@Injectable()
export class MemorySessionStore extends SessionStore {
  private readonly sessions = new Map<string, Session>();
  private readonly budget: Amounts;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {
    super();
    const { sessionTokensBudget: tokens, sessionTimeBudgetMs: timeMs, sessionCostBudget: cost } = config;
    this.budget = { tokens, timeMs, microCost: Math.floor(cost * MICRO) };
  }

  async open(sessionId: string): Promise<SessionView> {
    return this.view(sessionId, this.find(sessionId) ?? this.create(sessionId, false));
  }

  async reserve(sessionId: string, taskId: string, most: Spend, transient: boolean): Promise<ReserveOutcome> {
    const session = this.find(sessionId) ?? this.create(sessionId, transient);
    const amounts = atMost(most);
    const lacking = this.lacking(session, amounts);
    if (lacking) return { ok: false, ...lacking, session: this.view(sessionId, session) };
    session.tasks.set(taskId, amounts);
    session.reserved = add(session.reserved, amounts);
    this.renew(sessionId, session);
    return { ok: true, session: this.view(sessionId, session) };
  }

  async settle(sessionId: string, taskId: string, used: Spend, countTurn: boolean): Promise<SessionView> {
    const session = this.sessions.get(sessionId);
    const reserved = session?.tasks.get(taskId);
    if (!session || !reserved) return this.view(sessionId, session ?? this.fresh(true));
    session.tasks.delete(taskId);
    session.reserved = subtract(session.reserved, reserved);
    session.spent = add(session.spent, atMost(used));
    if (countTurn) session.turns++;
    this.renew(sessionId, session);
    if (session.transient && session.tasks.size === 0) this.sessions.delete(sessionId);
    return this.view(sessionId, session);
  }

  async placed(sessionId: string, poolId: string, replicaId: string): Promise<void> {
    const session = this.sessions.get(sessionId);
    if (session) session.lastReplica = { poolId, replicaId };
  }

  async restore(sessionId: string, spent: Spend, turns: number): Promise<void> {
    const session = this.find(sessionId) ?? this.create(sessionId, false);
    session.spent = atMost(spent);
    session.turns = turns;
  }

  async delete(sessionId: string): Promise<boolean> {
    return this.sessions.delete(sessionId);
  }

  /** Undefined too for one whose time has passed; it is forgotten then. */
  private find(sessionId: string): Session | undefined {
    const session = this.sessions.get(sessionId);
    if (!session || session.tasks.size > 0 || this.remainingMs(session) > 0) return session;
    this.sessions.delete(sessionId);
    return undefined;
  }

  private create(sessionId: string, transient: boolean): Session {
    const session = this.fresh(transient);
    this.sessions.set(sessionId, session);
    this.evict();
    return session;
  }

  private fresh(transient: boolean): Session {
    return {
      spent: nothing,
      reserved: nothing,
      turns: 0,
      renewedAtMs: this.clock.nowMs(),
      tasks: new Map(),
      transient,
      lastReplica: undefined,
    };
  }

  private renew(sessionId: string, session: Session): void {
    session.renewedAtMs = this.clock.nowMs();
    this.sessions.delete(sessionId);
    this.sessions.set(sessionId, session);
  }

  /** Removes the longest idle while there are too many. Sessions at work stay; the queue's bound bounds those. */
  private evict(): void {
    if (this.sessions.size <= this.config.sessionsMax) return;
    for (const [sessionId, session] of this.sessions) {
      if (session.tasks.size > 0) continue;
      this.sessions.delete(sessionId);
      if (this.sessions.size <= this.config.sessionsMax) return;
    }
  }

  private lacking(
    { spent, reserved }: Session,
    most: Amounts,
  ): { budget: 'tokens' | 'time' | 'cost'; spent: boolean } | undefined {
    const checks = [
      ['tokens', 'tokens'],
      ['time', 'timeMs'],
      ['cost', 'microCost'],
    ] as const;
    for (const [budget, key] of checks) {
      const left = this.budget[key] - spent[key];
      if (most[key] > left) return { budget, spent: true };
      if (most[key] > left - reserved[key]) return { budget, spent: false };
    }
    return undefined;
  }

  private view(sessionId: string, session: Session): SessionView {
    const free = subtract(subtract(this.budget, session.spent), session.reserved);
    return {
      sessionId,
      ttlMsRemaining: this.remainingMs(session),
      turns: session.turns,
      remaining: {
        tokens: Math.max(0, free.tokens),
        timeMs: Math.max(0, free.timeMs),
        cost: Math.max(0, free.microCost) / MICRO,
      },
      ...(session.lastReplica && { lastReplica: session.lastReplica }),
      liveTasks: session.tasks.size,
      spent: { tokens: session.spent.tokens, timeMs: session.spent.timeMs, cost: session.spent.microCost / MICRO },
    };
  }

  /** Whole milliseconds, rounded up: a session just made has all of its time. */
  private remainingMs({ renewedAtMs, tasks }: Session): number {
    if (tasks.size > 0) return this.config.sessionTtlMs;
    return Math.max(0, Math.ceil(renewedAtMs + this.config.sessionTtlMs - this.clock.nowMs()));
  }
}

/** Rounded up, so that a sum of many small ones is never less than what was used. */
function atMost({ tokens, timeMs, cost }: Spend): Amounts {
  return { tokens: Math.ceil(tokens), timeMs: Math.ceil(timeMs), microCost: Math.ceil(cost * MICRO) };
}

function add(a: Amounts, b: Amounts): Amounts {
  return { tokens: a.tokens + b.tokens, timeMs: a.timeMs + b.timeMs, microCost: a.microCost + b.microCost };
}

function subtract(a: Amounts, b: Amounts): Amounts {
  return { tokens: a.tokens - b.tokens, timeMs: a.timeMs - b.timeMs, microCost: a.microCost - b.microCost };
}
