import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { SessionStore, type ReserveOutcome, type SessionView, type Spend } from '../../sessions/session-store.port';
import type { SessionUsage } from '../journal/task-journal.port';
import type { TaskSpec, TaskUsage } from '../task';

/** What a task's session pays: the most it could use is reserved at admission, what it did use is settled at its end. */
@Injectable()
export class TaskAccounts {
  constructor(
    private readonly config: Config,
    private readonly sessions: SessionStore,
  ) {}

  reserve(spec: TaskSpec): Promise<ReserveOutcome> {
    return this.sessions.reserve(spec.sessionId, spec.taskId, this.most(spec), spec.ownSession);
  }

  /** Gives a reservation back unused: the task was never admitted. */
  async giveBack(spec: TaskSpec): Promise<void> {
    await this.sessions.settle(spec.sessionId, spec.taskId, { tokens: 0, timeMs: 0, cost: 0 }, false);
  }

  /** Spends what was used, never more than was reserved, whatever an engine reports. */
  async settle(spec: TaskSpec, usage: TaskUsage, countTurn: boolean): Promise<Settled> {
    const most = this.most(spec);
    const used: Spend = {
      tokens: Math.min(usage.tokensOut, most.tokens),
      timeMs: Math.min(Math.ceil(usage.decodeMs), most.timeMs),
      cost: Math.min(usage.cost, most.cost),
    };
    const view = await this.sessions.settle(spec.sessionId, spec.taskId, used, countTurn);
    return { remaining: view.remaining, ...(!view.transient && { session: usageOf(view) }) };
  }

  /** Cost of generated tokens. */
  costOf(tokens: number): number {
    return (tokens / 1000) * this.config.costPer1kTokens;
  }

  private most(spec: TaskSpec): Spend {
    return { tokens: spec.maxTokens, timeMs: spec.deadlineMs, cost: this.costOf(spec.maxTokens) };
  }
}

export interface Settled {
  /** What the session can still use. */
  readonly remaining: Spend;
  /** What the journal keeps of the session; absent for a task's own, which ends with it. */
  readonly session?: SessionUsage;
}

function usageOf({ sessionId, spent, turns }: SessionView): SessionUsage {
  return { sessionId, tokens: spent.tokens, timeMs: spent.timeMs, cost: spent.cost, turns };
}
