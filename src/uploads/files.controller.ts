import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOperation, ApiParam, ApiResponse, ApiTags } from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors/service-error';
import { FORM_NEEDED } from '../http/bodies/request-bodies';
import { FormBody, GetOnly } from '../http/routes/route-marks';
import { ApiOpenaiErrors } from '../openai/documents/openai-errors.docs';
import { FileDeletedView, FileListQueryDto, FileListView, FileView, toFileView } from './files.dto';
import { uploadPurposes } from './stored-file';
import { UploadsService } from './uploads.service';

const LIMIT = 10_000;

const ApiFileId = (): MethodDecorator =>
  ApiParam({ name: 'file_id', description: 'Its id.', schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' } });

const form = {
  type: 'object',
  required: ['file', 'purpose'],
  additionalProperties: true,
  properties: {
    file: { type: 'string', format: 'binary', minLength: 1, description: 'The content, streamed to disk as it comes.' },
    purpose: { type: 'string', enum: [...uploadPurposes], description: 'What it is for.' },
    'expires_after[anchor]': { type: 'string', enum: ['created_at'], description: 'From when its time counts.' },
    'expires_after[seconds]': {
      type: 'integer',
      minimum: 3600,
      maximum: 2_592_000,
      description: 'How long it is kept; `ORCHD_FILE_RETENTION_MS` unless given.',
    },
  },
} as const;

/** Files, as OpenAI's API has them. */
@ApiTags('openai')
@Controller('v1/files')
export class FilesController {
  constructor(private readonly uploads: UploadsService) {}

  @Post()
  @HttpCode(200)
  @FormBody()
  @ApiOperation({ summary: 'Upload a file', description: 'It is on disk when this is answered.' })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: form as never, required: true })
  @ApiResponse({ status: 200, description: 'It is kept.', type: FileView })
  @ApiOpenaiErrors('INVALID_PARAMS', 'REQUEST_TIMEOUT', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE')
  @ApiOpenaiErrors('INTAKE_FULL', 'STORAGE_FULL', 'STORAGE_UNAVAILABLE', 'SHUTTING_DOWN', 'NOT_READY')
  async create(@Req() request: FastifyRequest): Promise<FileView> {
    if (request.body !== request.raw) throw new ServiceError('UNSUPPORTED_MEDIA_TYPE', { message: FORM_NEEDED });
    return toFileView(await this.uploads.receive(request.raw, request.response));
  }

  @Get()
  @ApiOperation({ summary: 'List files' })
  @ApiResponse({ status: 200, description: 'A page.', type: FileListView })
  @ApiOpenaiErrors('INVALID_PARAMS', 'FILE_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async list(@Query() { limit, order, after, purpose }: FileListQueryDto): Promise<FileListView> {
    const most = limit ?? LIMIT;
    const found = await this.uploads.list({
      limit: most + 1,
      order: order ?? 'desc',
      ...(after != null && { after }),
      ...(purpose != null && { purpose }),
    });
    const data = found.slice(0, most).map(toFileView);
    return {
      object: 'list',
      data,
      first_id: data[0]?.id ?? '',
      last_id: data.at(-1)?.id ?? '',
      has_more: found.length > most,
    };
  }

  @Get(':file_id')
  @ApiOperation({ summary: 'Look a file up' })
  @ApiFileId()
  @ApiResponse({ status: 200, description: 'It is there.', type: FileView })
  @ApiOpenaiErrors('FILE_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async get(@Param('file_id') id: string): Promise<FileView> {
    return toFileView(await this.uploads.get(id));
  }

  @Get(':file_id/content')
  @GetOnly()
  @ApiOperation({ summary: 'The content of a file', description: 'As it was uploaded, or as far as it is written.' })
  @ApiFileId()
  @ApiResponse({
    status: 200,
    description: 'All of it.',
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  })
  @ApiOpenaiErrors('FILE_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async content(@Param('file_id') id: string, @Res() reply: FastifyReply): Promise<void> {
    const { bytes, content } = await this.uploads.content(id);
    await reply.type('application/octet-stream').header('Content-Length', bytes).send(content);
  }

  @Delete(':file_id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete a file', description: 'It is gone from disk when this is answered.' })
  @ApiFileId()
  @ApiResponse({ status: 200, description: 'It is gone.', type: FileDeletedView })
  @ApiOpenaiErrors('FILE_NOT_FOUND', 'FILE_IN_USE', 'STORAGE_UNAVAILABLE')
  async remove(@Param('file_id') id: string): Promise<FileDeletedView> {
    await this.uploads.remove(id);
    return { id, object: 'file', deleted: true };
  }
}
