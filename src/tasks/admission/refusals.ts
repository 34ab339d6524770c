import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Finisher } from '../ending/finisher';
import { TaskLedger, type Refusal } from '../ledger/task-ledger.port';
import type { TaskSpec } from '../task/task';
import { Backoff } from '../queue/backoff';
import { EXPECTED_TOKENS_TOO_MANY, oversized } from './task-spec';

/** What a client is told whose task is not admitted, and when it should come back. */
@Injectable()
export class Refusals {
  constructor(
    private readonly config: Config,
    private readonly ledger: TaskLedger,
    private readonly finisher: Finisher,
    private readonly backoff: Backoff,
  ) {}

  /** @throws ServiceError ADMISSION_REJECT or QUEUE_FULL_DROP_LRU for a task that expects more than any may */
  async refuseOversized(spec: TaskSpec): Promise<void> {
    const code = oversized(spec);
    if (code === undefined) return;
    // Under drop-lru a full queue makes room before the task is looked at, and it is refused all the same.
    const dropped = code === 'QUEUE_FULL_DROP_LRU' ? await this.ledger.makeRoom(spec.constraints) : undefined;
    if (dropped) await this.finisher.conclude(dropped);
    throw new ServiceError(code, {
      field: 'expected_tokens',
      message: `expected_tokens must be below ${EXPECTED_TOKENS_TOO_MANY}`,
      // The hint stands in the request, so waiting alone changes nothing.
      retriable: false,
      policyLabel: this.config.admissionPolicy,
      retryAfterMs: this.backoff.adviseMs(),
    });
  }

  full({ reason, isServed }: Extract<Refusal, { kind: 'full' }>): ServiceError {
    return new ServiceError('ADMISSION_REJECT', {
      message: isServed ? reasons[reason] : `Nothing that is bound can serve this task. ${unservedReasons[reason]}`,
      policyLabel: this.config.admissionPolicy,
      retryAfterMs: this.backoff.adviseRefusedMs(),
    });
  }

  /** Spent for good: come back when the session has lapsed. Only reserved: when tasks of the session have ended. */
  overBudget({ budget, isSpent, session }: Extract<Refusal, { kind: 'over-budget' }>): ServiceError {
    const message = isSpent
      ? `the session's ${budget} budget is spent or too small for this task`
      : `the session's ${budget} budget is reserved by tasks that still run`;
    const retryAfterMs = isSpent ? session.ttlMsRemaining : this.backoff.adviseMs();
    return new ServiceError('BUDGET_EXHAUSTED', { message, retriable: !isSpent, retryAfterMs });
  }
}

const reasons = {
  places: 'The queue is full.',
  lanes: 'Queued tasks name too many different places; wait, or name fewer models, engines or pools.',
  bytes: 'Queued requests hold too much memory; wait, or send a shorter prompt.',
} as const;

const unservedReasons = {
  places: 'The places of those that wait for such an engine are all taken.',
  lanes: 'Those that wait for such engines name too many different ones.',
  bytes: 'Those that wait for such engines hold too much memory.',
} as const;
