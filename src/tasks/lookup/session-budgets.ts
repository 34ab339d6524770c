import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { SessionStore, type Spend } from '../../sessions/session-store.port';
import { TaskLedger } from '../ledger/task-ledger.port';
import type { TaskSpec, TaskUsage } from '../task/task';

/** What the budget headers of a task's answers say. */
@Injectable()
export class SessionBudgets {
  constructor(
    private readonly config: Config,
    private readonly sessions: SessionStore,
    private readonly ledger: TaskLedger,
  ) {}

  /** A session of the task's own is not kept, so once it ended its budgets are told from what the task has used. */
  async remainingFor(spec: TaskSpec, used?: TaskUsage): Promise<Spend> {
    if (!spec.ownSession || (await this.ledger.find(spec.taskId)))
      return (await this.sessions.open(spec.sessionId)).remaining;
    const { sessionTokensBudget, sessionTimeBudgetMs, sessionCostBudget } = this.config;
    return {
      tokens: Math.max(0, sessionTokensBudget - (used?.tokensOut ?? 0)),
      timeMs: Math.max(0, sessionTimeBudgetMs - Math.ceil(used?.decodeMs ?? 0)),
      cost: Math.max(0, sessionCostBudget - (used?.cost ?? 0)),
    };
  }
}

/** Of {@link budgetHeaders}, for the OpenAPI document. */
export const budgetHeaderDocs = {
  'X-Budget-Tokens-Remaining': {
    description: 'Tokens that tasks of the session may still generate.',
    required: true,
    schema: { type: 'integer', format: 'int64', minimum: 0 },
  },
  'X-Budget-Time-Remaining-Ms': {
    description: 'Milliseconds that tasks of the session may still run.',
    required: true,
    schema: { type: 'integer', format: 'int64', minimum: 0 },
  },
  'X-Budget-Cost-Remaining': {
    description: 'Cost that tasks of the session may still have, in the unit of `ORCHD_COST_PER_1K_TOKENS`.',
    required: true,
    schema: { type: 'number', minimum: 0 },
  },
} as const;

/** `X-Budget-…-Remaining`. */
export function budgetHeaders(remaining: Spend): Record<string, string> {
  return {
    'X-Budget-Tokens-Remaining': String(remaining.tokens),
    'X-Budget-Time-Remaining-Ms': String(remaining.timeMs),
    'X-Budget-Cost-Remaining': String(remaining.cost),
  };
}
