import { ApiProperty } from '@nestjs/swagger';
import type { SessionView } from './session-store.port';

export class SessionDto {
  @ApiProperty() session_id!: string;
  @ApiProperty({ description: 'Milliseconds until it lapses; work renews it.' }) ttl_ms_remaining!: number;
  @ApiProperty({ description: 'Tasks of it that were completed.' }) turns!: number;
  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Bytes of its KV cache; null, for no engine reports them by session.',
  })
  kv_bytes!: number | null;
  @ApiProperty({ description: '1 where an earlier turn may have left its KV cache on a replica, otherwise 0.' })
  kv_warmth!: number;
  @ApiProperty() tokens_budget_remaining!: number;
  @ApiProperty() time_budget_remaining_ms!: number;
  @ApiProperty() cost_budget_remaining!: number;
}

export function toSessionDto(session: SessionView): SessionDto {
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
