import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import type { Lease } from '../../pools/registry/pool';
import type { SessionStatus, Spend } from '../../sessions/session-store.port';
import type { SessionUsage } from '../../tasks/journal/task-journal.port';
import type { TaskSpec, TaskUsage } from '../../tasks/task/task';
import type { Settled } from './embedded-ended';
import { SessionBook, type ReserveOutcome } from './session-book';

/** What a task's session pays: the most it could use is reserved at admission, what it did use is settled at its end. */
@Injectable()
export class TaskAccounts {
  constructor(
    private readonly config: Config,
    private readonly book: SessionBook,
  ) {}

  reserve(spec: TaskSpec): ReserveOutcome {
    return this.book.reserve(spec.sessionId, spec.taskId, this.most(spec), spec.ownSession);
  }

  /** For a task that was admitted once: should there be nothing left to reserve, it runs all the same. */
  reserveAgain(spec: TaskSpec): { readonly session: SessionStatus; readonly reserved: Spend } {
    const outcome = this.reserve(spec);
    return outcome.ok ? outcome : { session: outcome.session, reserved: this.most(spec) };
  }

  /** Gives a reservation back unused: the task was never admitted. */
  giveBack(spec: TaskSpec): void {
    this.book.settle(spec.sessionId, spec.taskId, { tokens: 0, timeMs: 0, cost: 0 }, false);
  }

  /** Spends what was used, never more than was reserved, whatever an engine reports. */
  settle(spec: TaskSpec, { tokensOut, decodeMs, cost }: TaskUsage, countTurn: boolean): Settled {
    const used = { tokens: tokensOut, timeMs: decodeMs, cost };
    const view = this.book.settle(spec.sessionId, spec.taskId, used, countTurn);
    return { remaining: view.remaining, session: view.transient ? undefined : usageOf(view) };
  }

  remainingOf(spec: TaskSpec): Spend {
    return this.book.open(spec.sessionId).remaining;
  }

  lastReplicaOf({ ownSession, sessionId }: TaskSpec): SessionStatus['lastReplica'] {
    return ownSession ? undefined : this.book.lastReplica(sessionId);
  }

  placed({ sessionId }: TaskSpec, { poolId, replicaId }: Lease): void {
    this.book.placed(sessionId, poolId, replicaId);
  }

  restore(sessions: readonly SessionUsage[]): void {
    for (const { sessionId, tokens, timeMs, cost, turns } of sessions)
      this.book.restore(sessionId, { tokens, timeMs, cost }, turns);
  }

  /** Cost of generated tokens. */
  costOf(tokens: number): number {
    return (tokens / 1000) * this.config.costPer1kTokens;
  }

  private most(spec: TaskSpec): Spend {
    return { tokens: spec.maxTokens, timeMs: spec.deadlineMs, cost: this.costOf(spec.maxTokens) };
  }
}

function usageOf({ sessionId, spent, turns }: SessionStatus): SessionUsage {
  return { sessionId, tokens: spent.tokens, timeMs: spent.timeMs, cost: spent.cost, turns };
}
