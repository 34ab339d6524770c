import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../http/documents/decorators';
import { AnswerChoice, AnswerId, AnswerText, AnswerTime } from '../http/fields/answer-fields';
import { ApiPage, CursorField, pageOf, PageQuery, type Page } from '../http/fields/page';
import { HandoffService, type HandoffState, type KnownHandoff } from './handoff.service';

export class HandoffListQuery extends PageQuery {
  /** The name of a file, which may be any, in base64url. */
  @CursorField(/^[A-Za-z0-9_-]{1,344}$/)
  cursor?: string;
}

export class HandoffView {
  @AnswerText('Name of the file.') file!: string;
  @AnswerChoice('`bound`: its replica is ready, by whomever it was bound.', ['waiting', 'bound', 'ignored'])
  state!: HandoffState;
  @AnswerId('The pool that it names.', { optional: true }) pool_id?: string;
  @AnswerId('The replica that it names.', { optional: true }) replica_id?: string;
  @AnswerId('Kind of engine.', { optional: true }) engine?: string;
  @AnswerText('Why it is left alone.', { optional: true }) reason?: string;
  @AnswerTime('When it was first seen.') first_seen_ms!: number;
}

@ApiTags('handoff')
@Controller('v2/handoff')
export class HandoffController {
  constructor(private readonly handoffs: HandoffService) {}

  @Get()
  @ApiOperation({ summary: 'Handoff files and what became of them' })
  @ApiPage(HandoffView, 'By the name of the file.')
  list(@Query() { limit, cursor = '' }: HandoffListQuery): Page<HandoffView> {
    const after = Buffer.from(cursor, 'base64url').toString();
    const rest = this.handoffs.known().filter(known => known.file > after);
    return pageOf(rest, limit, toHandoffView, handoff => Buffer.from(handoff.file).toString('base64url'));
  }
}

function toHandoffView({ file, state, reason, handoff, firstSeenMs }: KnownHandoff): HandoffView {
  return {
    file,
    state,
    ...(handoff && { pool_id: handoff.poolId, replica_id: handoff.replicaId, engine: handoff.engine }),
    ...(reason !== undefined && { reason }),
    first_seen_ms: firstSeenMs,
  };
}
