import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '../http/documents/decorators';
import type { FastifyRequest } from 'fastify';
import { ApiOpenaiErrors } from '../openai/documents/openai-errors.docs';
import { BatchListQuery, BatchListView, BatchView, CreateBatchDto } from './batches.dto';
import { BatchesService } from './batches.service';

const LIMIT = 20;

const ApiBatchId = (): MethodDecorator =>
  ApiParam({ name: 'batch_id', description: 'Its id.', schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' } });

/** Batches, as OpenAI's API has them. */
@ApiTags('openai')
@Controller('v1/batches')
export class BatchesController {
  constructor(private readonly batches: BatchesService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Make a batch of the requests in a file',
    description: 'Each becomes a task of the priority `batch`, a bounded number at once.',
  })
  @ApiResponse({ status: 200, description: 'It is kept, and its file is looked at next.', type: BatchView })
  @ApiOpenaiErrors('INVALID_PARAMS', 'FILE_NOT_FOUND', 'BODY_TOO_LARGE', 'ADMISSION_REJECT')
  @ApiOpenaiErrors('STORAGE_UNAVAILABLE', 'SHUTTING_DOWN', 'NOT_READY')
  create(@Body() body: CreateBatchDto, @Req() { id, caller: { identity } }: FastifyRequest): Promise<BatchView> {
    return this.batches.create(body, { correlationId: id, ...(identity !== undefined && { identity }) });
  }

  @Get()
  @ApiOperation({ summary: 'List batches, newest first' })
  @ApiResponse({ status: 200, description: 'A page.', type: BatchListView })
  @ApiOpenaiErrors('INVALID_PARAMS', 'BATCH_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async list(@Query() { after, limit }: BatchListQuery): Promise<BatchListView> {
    const most = limit ?? LIMIT;
    const found = await this.batches.list(after ?? undefined, most + 1);
    const data = found.slice(0, most);
    const [first, last] = [data[0], data.at(-1)];
    return {
      object: 'list',
      data,
      ...(first && last && { first_id: first.id, last_id: last.id }),
      has_more: found.length > most,
    };
  }

  @Get(':batch_id')
  @ApiOperation({ summary: 'Look a batch up' })
  @ApiBatchId()
  @ApiResponse({ status: 200, description: 'As it stands.', type: BatchView })
  @ApiOpenaiErrors('BATCH_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  get(@Param('batch_id') id: string): Promise<BatchView> {
    return this.batches.get(id);
  }

  @Post(':batch_id/cancel')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Cancel a batch',
    description: 'Requests that have not ended are in its error file. It is safe to repeat.',
  })
  @ApiBatchId()
  @ApiResponse({ status: 200, description: 'It is being cancelled, or had ended.', type: BatchView })
  @ApiOpenaiErrors('BATCH_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  cancel(@Param('batch_id') id: string): Promise<BatchView> {
    return this.batches.cancel(id);
  }
}
