import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiResponse, ApiTags } from '../http/documents/decorators';
import type { FastifyReply } from 'fastify';
import { Administrative, JsonTextBody } from '../http/routes/route-marks';
import { ApiErrors } from '../http/documents/api-errors';
import type { JsonText } from '../http/bodies/json-body';
import { ApiPage, pageOf, type Page, placeInTime, timeCursor } from '../http/fields/page';
import { anyJson, hashSchema } from '../http/documents/schemas';
import { ArtifactCreatedView, ArtifactInfoView, ArtifactListQuery, toArtifactInfoView } from './artifacts.dto';
import { ArtifactsService } from './artifacts.service';

const ApiArtifactId = (): MethodDecorator =>
  ApiParam({
    name: 'id',
    description: 'The SHA-256 of the canonical document, in lower-case hex.',
    schema: hashSchema,
  });

const cacheHeaders = {
  ETag: { description: 'The id in quotes.', required: true, schema: { type: 'string' } },
  'Cache-Control': { description: 'It may be kept for ever.', required: true, schema: { type: 'string' } },
} as const;

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
  @ApiBody({
    schema: { ...anyJson, example: { report: 'done', pages: 3 } },
    required: true,
    description: 'Any JSON value, up to 1 MiB and 64 levels; numbers are doubles.',
  })
  @ApiResponse({ status: 201, type: ArtifactCreatedView })
  @ApiErrors('INVALID_PARAMS', 'BODY_TOO_LARGE', 'STORAGE_FULL', 'STORAGE_UNAVAILABLE')
  async create(@Body() document: JsonText | undefined): Promise<ArtifactCreatedView> {
    return { id: await this.artifacts.create(document) };
  }

  @Get()
  @ApiOperation({ summary: 'List artifacts, newest first' })
  @ApiPage(ArtifactInfoView, 'Newest first.')
  async list(@Query() { kind, task_id: taskId, limit, cursor }: ArtifactListQuery): Promise<Page<ArtifactInfoView>> {
    const after = placeInTime(cursor);
    const query = {
      limit: limit + 1,
      ...(kind && { kind }),
      ...(taskId && { taskId }),
      ...(after && { after: { storedAtMs: after.atMs, id: after.id } }),
    };
    const found = await this.artifacts.list(query);
    return pageOf(found, limit, toArtifactInfoView, (_, { storedAtMs, id }) => timeCursor(storedAtMs, id));
  }

  @Get(':id')
  @ApiOperation({ summary: 'An artifact', description: 'It never changes: its id is its `ETag`.' })
  @ApiArtifactId()
  @ApiHeader({
    name: 'If-None-Match',
    required: false,
    schema: { type: 'string' },
    description: 'The ETag of a copy at hand.',
  })
  @ApiResponse({
    status: 200,
    description: 'The document, in canonical form.',
    headers: cacheHeaders,
    content: { 'application/json': { schema: anyJson } },
  })
  @ApiResponse({ status: 304, description: 'The copy at hand is the document.', headers: cacheHeaders })
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
  @Administrative('artifact_delete')
  @HttpCode(204)
  @ApiArtifactId()
  @ApiOperation({ summary: 'Delete an artifact', description: 'A transcript goes for all tasks that had the same.' })
  @ApiResponse({ status: 204 })
  @ApiErrors('ARTIFACT_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async delete(@Param('id') id: string): Promise<void> {
    await this.artifacts.delete(id);
  }
}
