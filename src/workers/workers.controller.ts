import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '../http/documents/decorators';
import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../errors/service-error';
import { keyIdentity } from '../http/access/caller';
import { ApiErrors } from '../http/documents/api-errors';
import { IdParamPipe, ApiIdParam } from '../http/fields/id-param.pipe';
import { ForWorkers, Administrative } from '../http/routes/route-marks';
import { ApiPage, pageOf, type Page } from '../http/fields/page';
import { RegisteredView, RegisterWorkerDto, WorkerView, WorkerListQuery } from './workers.dto';
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
  @ApiBody({ type: RegisterWorkerDto, required: false })
  @ApiResponse({ status: 200, description: 'How the replica is bound now.', type: RegisteredView })
  @ApiErrors('INVALID_PARAMS', 'MISSING_TOKEN', 'BAD_TOKEN', 'REPLICA_CONFLICT')
  async register(@Body() body: RegisterWorkerDto, @Req() request: FastifyRequest): Promise<RegisteredView> {
    const identity = request.caller.identity ?? '';
    const { outcome, engine } = await this.workers.register(body, identity);
    return { ok: true, identity, pool_id: body.pool_id, replica_id: body.replica_id, engine, outcome };
  }

  @Get()
  @ApiOperation({ summary: 'List replicas of all pools' })
  @ApiPage(WorkerView, 'By pool and replica.')
  async list(@Query() { limit, cursor = '' }: WorkerListQuery): Promise<Page<WorkerView>> {
    const found = await this.workers.list(cursor, limit + 1);
    return pageOf(
      found,
      limit,
      worker => worker,
      ({ pool_id: pool, replica_id: replica }) => `${pool}/${replica}`,
    );
  }

  @Delete(':pool/:replica')
  @Administrative('replica_unbind')
  @HttpCode(204)
  @ApiIdParam('pool', 'Its pool.')
  @ApiIdParam('replica', 'Its name within the pool.')
  @ApiOperation({
    summary: 'Unbind a replica',
    description: 'It takes no new task at once and goes when its last one has ended.',
  })
  @ApiResponse({ status: 204 })
  @ApiErrors('INVALID_PARAMS', 'REPLICA_NOT_FOUND')
  async remove(
    @Param('pool', IdParamPipe) pool: string,
    @Param('replica', IdParamPipe) replica: string,
    @Req() { headers }: FastifyRequest,
  ): Promise<void> {
    if (!(await this.workers.remove(pool, replica, keyIdentity(headers)))) throw new ServiceError('REPLICA_NOT_FOUND');
  }
}
