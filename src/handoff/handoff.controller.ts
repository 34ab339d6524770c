import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ApiPage, namesIn, pageOf, PageQuery, type Page } from '../http/page';
import { HandoffService, type HandoffState, type KnownHandoff } from './handoff.service';

export class HandoffDto {
  @ApiProperty() file!: string;
  @ApiProperty({ enum: ['waiting', 'bound', 'ignored'] }) state!: HandoffState;
  @ApiPropertyOptional() pool_id?: string;
  @ApiPropertyOptional() replica_id?: string;
  @ApiPropertyOptional() engine?: string;
  @ApiPropertyOptional({ description: 'Why it is left alone.' }) reason?: string;
  @ApiProperty() first_seen_ms!: number;
}

@ApiTags('handoff')
@Controller('v2/handoff')
export class HandoffController {
  constructor(private readonly handoffs: HandoffService) {}

  @Get()
  @ApiOperation({ summary: 'Handoff files and what became of them' })
  @ApiPage(HandoffDto)
  list(@Query() { limit, cursor }: PageQuery): Page<HandoffDto> {
    const [after = ''] = namesIn(cursor, 1) ?? [];
    const rest = this.handoffs.known().filter(known => known.file > after);
    return pageOf(rest, limit, toHandoffDto, handoff => [handoff.file]);
  }
}

function toHandoffDto({ file, state, reason, handoff, firstSeenMs }: KnownHandoff): HandoffDto {
  return {
    file,
    state,
    ...(handoff && { pool_id: handoff.poolId, replica_id: handoff.replicaId, engine: handoff.engine }),
    ...(reason !== undefined && { reason }),
    first_seen_ms: firstSeenMs,
  };
}
