import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import { TurnoverMap } from '../../collections/turnover-map';
import { Config } from '../../config/config';
import type { SessionStatus, Spend } from '../../sessions/session-store.port';
import { Alarms, type Alarm } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { add, atLeast, atMost, nothing, subtract, toSpend, within, type Amounts } from './session-amounts';

interface Session {
  spent: Amounts;
  reserved: Amounts;
  turns: number;
  /** Monotonic; renewed by work. */
  renewedAtMs: number;
  /** What each of its live tasks has reserved. */
  tasks: Map<string, Amounts>;
  /** It goes with its last task. */
  transient: boolean;
  /** True once a task of it was settled: then something of it is kept elsewhere too. */
  hasUsage: boolean;
  lastReplica: { readonly poolId: string; readonly replicaId: string } | undefined;
}

export type ReserveOutcome =
  /** `reserved` can be less than was asked for, of time alone: what is left of a session's time bounds the run. */
  | { readonly ok: true; readonly session: SessionStatus; readonly reserved: Spend }
  | {
      readonly ok: false;
      readonly budget: 'tokens' | 'time' | 'cost';
      /** True when the amount is spent for good, false when it is only reserved by tasks still running. */
      readonly spent: boolean;
      readonly session: SessionStatus;
    };

/** Of all sessions that no task is at work in, and never changed: a map each would be a third of what they hold. */
const noTasks = new Map<string, Amounts>();
/** Replicas whose names are shared by the sessions that ran there last. */
const REPLICAS_SHARED = 1024;

/** Sessions lapse to the millisecond for whoever looks; those nobody looks at are swept out in batches this far apart. */
const SWEEP_MS = 1000;

/**
 * Sessions in this process, with exact budgets. A reservation is the most a task can use; at its end it is settled with what it
 * did use. The sum of what is spent and reserved never passes a budget, however many tasks run at once. A session holds no prompt
 * and no output; one with live tasks neither lapses nor is evicted. Each call is one step. Those at work stand apart from the idle ones, whose map is in the order of renewal: what lapses
 * or has to make room next is always at its head.
 */
@Injectable()
export class SessionBook {
  private readonly busy = new TurnoverMap<string, Session>();
  private readonly idle = new Map<string, Session>();
  private readonly forgotten = new Subject<string>();
  private readonly replicas = new Map<string, NonNullable<Session['lastReplica']>>();
  private readonly budget: Amounts;
  private sweep: Alarm | undefined;

  /**
   * Ids of sessions whose time to live ended, or that made room for others; told as it happens, before the same id can
   * be a new session. Not those that were deleted, nor those that never settled a task. Never errors.
   */
  readonly forgotten$ = this.forgotten.asObservable();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
  ) {
    const { sessionTokensBudget: tokens, sessionTimeBudgetMs: timeMs, sessionCostBudget: cost } = config;
    this.budget = atLeast({ tokens, timeMs, cost });
  }

  /** The session, made if missing; looking does not renew its time to live. */
  open(sessionId: string): SessionStatus {
    const known = this.find(sessionId);
    if (known) return this.view(sessionId, known);
    const made = this.fresh(false);
    this.rest(sessionId, made);
    // Seen from when it was made: a new session has all of its time, however long this took.
    return this.view(sessionId, made, made.renewedAtMs);
  }

  /** Reserves for one task, making the session if missing; one that only `transient` tasks have reserved from goes with the last of them. */
  reserve(sessionId: string, taskId: string, most: Spend, transient: boolean): ReserveOutcome {
    const known = this.find(sessionId);
    const session = known ?? this.fresh(transient);
    const timeLeftMs = this.budget.timeMs - session.spent.timeMs - session.reserved.timeMs;
    const wanted = atMost(most);
    const timeMs = Math.max(Math.min(wanted.timeMs, timeLeftMs), Math.min(wanted.timeMs, 1));
    const amounts = { tokens: wanted.tokens, timeMs, microCost: wanted.microCost };
    const lacking = this.lacking(session, amounts);
    if (lacking) {
      // One that was to live as long as this task has nothing to live for.
      if (!known && !transient) this.rest(sessionId, session);
      return { ok: false, ...lacking, session: this.view(sessionId, session) };
    }
    // Named by a client, it is no longer one task's own, and what is spent from here on counts for good.
    session.transient &&= transient;
    if (session.tasks === noTasks) session.tasks = new Map();
    session.tasks.set(taskId, amounts);
    session.reserved = add(session.reserved, amounts);
    session.renewedAtMs = this.clock.nowMs();
    this.idle.delete(sessionId);
    this.busy.set(sessionId, session);
    this.makeRoom();
    return { ok: true, session: this.view(sessionId, session), reserved: toSpend(amounts) };
  }

  /** Ends a reservation: what was used is spent, at most what was reserved; the rest is free again. A second settling of a task does nothing. */
  settle(sessionId: string, taskId: string, used: Spend, countTurn: boolean): SessionStatus {
    const session = this.busy.get(sessionId);
    const reserved = session?.tasks.get(taskId);
    if (!session || !reserved) return this.view(sessionId, this.find(sessionId) ?? this.fresh(true));
    session.tasks.delete(taskId);
    const isIdle = session.tasks.size === 0;
    if (isIdle) session.tasks = noTasks;
    session.reserved = isIdle ? nothing : subtract(session.reserved, reserved);
    session.spent = add(session.spent, within(atMost(used), reserved));
    session.hasUsage = true;
    if (countTurn) session.turns++;
    session.renewedAtMs = this.clock.nowMs();
    if (isIdle) {
      this.busy.delete(sessionId);
      if (!session.transient) this.rest(sessionId, session);
    }
    return this.view(sessionId, session);
  }

  /** Remembers where the session's last attempt ran. */
  placed(sessionId: string, poolId: string, replicaId: string): void {
    const session = this.busy.get(sessionId) ?? this.idle.get(sessionId);
    if (session) session.lastReplica = this.shared(poolId, replicaId);
  }

  private shared(poolId: string, replicaId: string): NonNullable<Session['lastReplica']> {
    const name = `${poolId}/${replicaId}`;
    let replica = this.replicas.get(name);
    if (!replica) {
      if (this.replicas.size >= REPLICAS_SHARED) this.replicas.clear();
      this.replicas.set(name, (replica = { poolId, replicaId }));
    }
    return replica;
  }

  lastReplica(sessionId: string): SessionStatus['lastReplica'] {
    return (this.busy.get(sessionId) ?? this.idle.get(sessionId))?.lastReplica;
  }

  /** What a session had used before a restart. */
  restore(sessionId: string, spent: Spend, turns: number): void {
    const session = this.find(sessionId) ?? this.fresh(false);
    session.spent = atMost(spent);
    session.turns = turns;
    session.hasUsage = true;
    if (session.tasks.size === 0) this.rest(sessionId, session);
  }

  /** Forgets the session; tasks of it that still run settle into nothing. True when there was one. */
  delete(sessionId: string): boolean {
    const wasBusy = this.busy.delete(sessionId);
    return this.idle.delete(sessionId) || wasBusy;
  }

  /** Undefined too for one whose time has passed; it is forgotten then. */
  private find(sessionId: string): Session | undefined {
    const session = this.busy.get(sessionId) ?? this.idle.get(sessionId);
    if (!session || this.remainingMs(session) > 0) return session;
    this.forget(sessionId, session);
    return undefined;
  }

  private fresh(transient: boolean): Session {
    return {
      spent: nothing,
      reserved: nothing,
      turns: 0,
      renewedAtMs: this.clock.nowMs(),
      tasks: noTasks,
      transient,
      hasUsage: false,
      lastReplica: undefined,
    };
  }

  /** To the end of the idle ones; its renewal is the latest of all. */
  private rest(sessionId: string, session: Session): void {
    session.renewedAtMs = this.clock.nowMs();
    this.idle.delete(sessionId);
    this.idle.set(sessionId, session);
    this.makeRoom();
    this.armSweep();
  }

  /** The longest idle goes. Sessions at work stay; the queue's bound bounds those. */
  private makeRoom(): void {
    while (this.idle.size > 0 && this.idle.size + this.busy.size > this.config.sessionsMax) {
      const [head] = this.idle;
      if (head) this.forget(...head);
    }
  }

  /** The head lapses first, so one alarm is enough for all. */
  private armSweep(): void {
    const [head] = this.idle.values();
    if (this.sweep || !head) return;
    this.sweep = this.alarms.at(head.renewedAtMs + this.config.sessionTtlMs + SWEEP_MS, () => {
      this.sweep = undefined;
      for (const [sessionId, session] of this.idle) {
        if (this.remainingMs(session) > 0) break;
        this.forget(sessionId, session);
      }
      this.armSweep();
    });
  }

  private forget(sessionId: string, session: Session): void {
    this.idle.delete(sessionId);
    if (session.hasUsage) this.forgotten.next(sessionId);
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

  private view(sessionId: string, session: Session, nowMs = this.clock.nowMs()): SessionStatus {
    const free = toSpend(subtract(subtract(this.budget, session.spent), session.reserved));
    return {
      sessionId,
      ttlMsRemaining: this.remainingMs(session, nowMs),
      turns: session.turns,
      remaining: {
        tokens: Math.max(0, free.tokens),
        timeMs: Math.max(0, free.timeMs),
        cost: Math.max(0, free.cost),
      },
      lastReplica: session.lastReplica,
      liveTasks: session.tasks.size,
      transient: session.transient,
      spent: toSpend(session.spent),
    };
  }

  /** Whole milliseconds, rounded up. */
  private remainingMs({ renewedAtMs, tasks }: Session, nowMs = this.clock.nowMs()): number {
    if (tasks.size > 0) return this.config.sessionTtlMs;
    return Math.max(0, Math.ceil(renewedAtMs + this.config.sessionTtlMs - nowMs));
  }
}
