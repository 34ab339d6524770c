import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ServiceError } from '../errors/service-error';
import { ApiErrors } from '../http/api-errors';
import { decodeCursor, encodeCursor, type Page } from '../http/page';
import type { ArtifactQuery } from './artifact-store.port';
import { ArtifactCreatedDto, ArtifactInfoDto, ArtifactListQuery, toArtifactInfoDto } from './artifacts.dto';
import { ArtifactsService } from './artifacts.service';

@ApiTags('artifacts')
@Controller('v2/artifacts')
export class ArtifactsController {
  constructor(private readonly artifacts: ArtifactsService) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'Store a JSON document', description: 'The body is the document. The same content has the same id.' })
  @ApiBody({ schema: {}, description: 'Any JSON value, up to 1 MiB and 64 levels.' })
  @ApiResponse({ status: 201, type: ArtifactCreatedDto })
  @ApiErrors('INVALID_PARAMS', 'BODY_TOO_LARGE', 'STORAGE_FULL', 'STORAGE_UNAVAILABLE')
  async create(@Body() document: unknown): Promise<ArtifactCreatedDto> {
    return { id: await this.artifacts.create(document) };
  }

  @Get()
  @ApiOperation({ summary: 'List artifacts, newest first' })
  @ApiResponse({ status: 200, description: '`{items: ArtifactInfo[], next_cursor?}`' })
  @ApiErrors('INVALID_PARAMS')
  async list(@Query() { kind, task_id: taskId, limit, cursor }: ArtifactListQuery): Promise<Page<ArtifactInfoDto>> {
    const after = positionOf(cursor);
    const found = await this.artifacts.list({ limit, ...(kind && { kind }), ...(taskId && { taskId }), ...(after && { after }) });
    const items = found.map(toArtifactInfoDto);
    const last = items.at(-1);
    return { items, ...(last && items.length === limit && { next_cursor: encodeCursor([last.created_ms, last.id]) }) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'An artifact' })
  @ApiResponse({ status: 200, description: 'The document, in canonical form.' })
  @ApiErrors('ARTIFACT_NOT_FOUND')
  async get(@Param('id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const json = await this.artifacts.get(id);
    void reply
      .header('Content-Type', 'application/json; charset=utf-8')
      .header('ETag', `"${id}"`)
      .header('Cache-Control', 'private, max-age=31536000, immutable');
    return json;
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an artifact' })
  @ApiResponse({ status: 204 })
  @ApiErrors('ARTIFACT_NOT_FOUND')
  async delete(@Param('id') id: string): Promise<void> {
    await this.artifacts.delete(id);
  }
}

function positionOf(cursor: string | undefined): ArtifactQuery['after'] {
  const parts = decodeCursor(cursor);
  if (!parts) return undefined;
  const [createdAtMs, id] = parts;
  if (typeof createdAtMs === 'number' && typeof id === 'string') return { createdAtMs, id };
  throw new ServiceError('INVALID_PARAMS', { field: 'cursor', message: 'cursor must be a next_cursor of this list' });
}
