import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { SessionStore, type Spend } from '../../sessions/session-store.port';
import { LiveTasks } from '../live/live-tasks';
import type { TaskSpec, TaskUsage } from '../task';

/** What the budget headers of a task's answers say. */
@Injectable()
export class SessionBudgets {
  constructor(
    private readonly config: Config,
    private readonly sessions: SessionStore,
    private readonly live: LiveTasks,
  ) {}

  /** A session of the task's own is not kept, so once it ended its budgets are told from what the task has used. */
  async remainingFor(spec: TaskSpec, used?: TaskUsage): Promise<Spend> {
    if (!spec.ownSession || this.live.find(spec.taskId)) return (await this.sessions.open(spec.sessionId)).remaining;
    const { sessionTokensBudget, sessionTimeBudgetMs, sessionCostBudget } = this.config;
    return {
      tokens: Math.max(0, sessionTokensBudget - (used?.tokensOut ?? 0)),
      timeMs: Math.max(0, sessionTimeBudgetMs - Math.ceil(used?.decodeMs ?? 0)),
      cost: Math.max(0, sessionCostBudget - (used?.cost ?? 0)),
    };
  }
}

/** `X-Budget-…-Remaining`. */
export function budgetHeaders(remaining: Spend): Record<string, string> {
  return {
    'X-Budget-Tokens-Remaining': String(remaining.tokens),
    'X-Budget-Time-Remaining-Ms': String(remaining.timeMs),
    'X-Budget-Cost-Remaining': String(remaining.cost),
  };
}
