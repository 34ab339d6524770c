import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../errors/service-error';
import { ApiErrors } from '../http/api-errors';
import { IdParamPipe } from '../http/id-param.pipe';
import { ForWorkers } from '../http/for-workers.decorator';
import { ApiPage, encodeCursor, namesIn, PageQuery, type Page } from '../http/page';
import { RegisteredDto, RegisterWorkerDto, WorkerDto } from './workers.dto';
import { WorkersService } from './workers.service';

@ApiTags('workers')
@Controller('v2/workers')
export class WorkersController {
  constructor(private readonly workers: WorkersService) {}

  @Post('register')
  @HttpCode(200)
  @ForWorkers()
  @ApiBearerAuth('worker-token')
  @ApiOperation({
    summary: 'Register an engine process',
    description: 'Needs the worker token, no API key. Registering again renews it.',
  })
  @ApiResponse({ status: 200, type: RegisteredDto })
  @ApiErrors('INVALID_PARAMS', 'MISSING_TOKEN', 'BAD_TOKEN', 'REPLICA_CONFLICT')
  async register(@Body() body: RegisterWorkerDto, @Req() request: FastifyRequest): Promise<RegisteredDto> {
    const identity = request.caller.identity ?? '';
    const outcome = await this.workers.register(body, identity);
    return { ok: true, identity, pool_id: body.pool_id, replica_id: body.replica_id, outcome };
  }

  @Get()
  @ApiOperation({ summary: 'List replicas of all pools' })
  @ApiPage(WorkerDto)
  async list(@Query() { limit, cursor }: PageQuery): Promise<Page<WorkerDto>> {
    const after = namesIn(cursor, 2)?.join('/') ?? '';
    // One more than asked for tells whether there is another page.
    const found = await this.workers.list(after, limit + 1);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return {
      items,
      ...(last && found.length > limit && { next_cursor: encodeCursor([last.pool_id, last.replica_id]) }),
    };
  }

  @Delete(':pool/:replica')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Unbind a replica',
    description: 'It takes no new task at once and goes when its last one has ended.',
  })
  @ApiResponse({ status: 204 })
  @ApiErrors('INVALID_PARAMS', 'REPLICA_NOT_FOUND')
  async remove(
    @Param('pool', IdParamPipe) pool: string,
    @Param('replica', IdParamPipe) replica: string,
  ): Promise<void> {
    if (!(await this.workers.remove(pool, replica))) throw new ServiceError('REPLICA_NOT_FOUND');
  }
}
