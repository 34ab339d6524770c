import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ServiceError } from '../errors/service-error';
import { ApiErrors } from '../http/api-errors';
import type { JsonText } from '../http/json-body';
import { JsonTextBody } from '../http/json-text-body.decorator';
import { decodeCursor, pageOf } from '../http/page';
import type { ArtifactQuery } from './artifact-store.port';
import { ArtifactCreatedDto, ArtifactListQuery, ArtifactPageDto, toArtifactInfoDto } from './artifacts.dto';
import { ArtifactsService } from './artifacts.service';

@ApiTags('artifacts')
@Controller('v2/artifacts')
export class ArtifactsController {
  constructor(private readonly artifacts: ArtifactsService) {}

  @Post()
  @HttpCode(201)
  @JsonTextBody()
  @ApiOperation({
    summary: 'Store a JSON document',
    description: 'The body is the document. The same content has the same id.',
  })
  @ApiBody({ schema: {}, description: 'Any JSON value, up to 1 MiB and 64 levels; numbers are doubles.' })
  @ApiResponse({ status: 201, type: ArtifactCreatedDto })
  @ApiErrors('INVALID_PARAMS', 'BODY_TOO_LARGE', 'STORAGE_FULL', 'STORAGE_UNAVAILABLE')
  async create(@Body() document: JsonText | undefined): Promise<ArtifactCreatedDto> {
    return { id: await this.artifacts.create(document) };
  }

  @Get()
  @ApiOperation({ summary: 'List artifacts, newest first' })
  @ApiResponse({ status: 200, type: ArtifactPageDto })
  @ApiErrors('INVALID_PARAMS')
  async list(@Query() { kind, task_id: taskId, limit, cursor }: ArtifactListQuery): Promise<ArtifactPageDto> {
    const after = positionOf(cursor);
    const query = { limit: limit + 1, ...(kind && { kind }), ...(taskId && { taskId }), ...(after && { after }) };
    const found = await this.artifacts.list(query);
    return pageOf(found, limit, toArtifactInfoDto, artifact => [artifact.created_ms, artifact.id]);
  }

  @Get(':id')
  @ApiOperation({ summary: 'An artifact', description: 'It never changes: its id is its `ETag`.' })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of a copy at hand.' })
  @ApiResponse({ status: 200, description: 'The document, in canonical form.' })
  @ApiResponse({ status: 304, description: 'The copy at hand is the document.' })
  @ApiErrors('ARTIFACT_NOT_FOUND', 'INTERNAL', 'STORAGE_UNAVAILABLE')
  async get(
    @Param('id') id: string,
    @Headers('if-none-match') copies: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | undefined> {
    const json = await this.artifacts.get(id);
    // Set by hand, for only the document may be cached for ever, not the error that may come in its place.
    void reply.header('ETag', `"${id}"`).header('Cache-Control', 'private, max-age=31536000, immutable');
    if (copies?.includes(`"${id}"`)) {
      void reply.status(304);
      return undefined;
    }
    void reply.header('Content-Type', 'application/json; charset=utf-8');
    return json;
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an artifact', description: 'A transcript goes for all tasks that had the same.' })
  @ApiResponse({ status: 204 })
  @ApiErrors('ARTIFACT_NOT_FOUND', 'STORAGE_UNAVAILABLE')
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
