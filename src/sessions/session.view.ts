import { AnswerCount, AnswerId, AnswerNumber, AnswerSpan } from '../http/fields/answer-fields';
import type { SessionStatus } from './session-store.port';

export class SessionView {
  @AnswerId('The session.') session_id!: string;
  @AnswerSpan('Milliseconds until it lapses; work renews it.') ttl_ms_remaining!: number;
  @AnswerCount('Tasks of it that were completed.') turns!: number;
  @AnswerCount('Bytes of its KV cache; null, for no engine reports them by session.', { nullable: true })
  kv_bytes!: number | null;
  @AnswerNumber('1 where an earlier turn may have left its KV cache on a replica, otherwise 0.', { max: 1 })
  kv_warmth!: number;
  @AnswerCount('Tokens that its tasks may still generate.') tokens_budget_remaining!: number;
  @AnswerSpan('Milliseconds that its tasks may still run.') time_budget_remaining_ms!: number;
  @AnswerNumber('Cost that its tasks may still have, in the unit of `ORCHD_COST_PER_1K_TOKENS`.')
  cost_budget_remaining!: number;
}

export function toSessionView(session: SessionStatus): SessionView {
  return {
    session_id: session.sessionId,
    ttl_ms_remaining: session.ttlMsRemaining,
    turns: session.turns,
    kv_bytes: null,
    kv_warmth: session.lastReplica ? 1 : 0,
    tokens_budget_remaining: session.remaining.tokens,
    time_budget_remaining_ms: session.remaining.timeMs,
    cost_budget_remaining: session.remaining.cost,
  };
}
