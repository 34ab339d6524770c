import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '../http/documents/decorators';
import { Administrative } from '../http/routes/route-marks';
import { ApiErrors } from '../http/documents/api-errors';
import { IdParamPipe, ApiIdParam } from '../http/fields/id-param.pipe';
import { ApiPage, IdPageQuery, pageOf, type Page } from '../http/fields/page';
import { warningsOf } from '../http/fields/unknown-members';
import { DrainService } from './operations/drain.service';
import { toHealthDto, toPoolView, unknownPoolHealth } from './pool.view';
import {
  DRAIN_DEADLINE_DEFAULT_MS,
  DrainDto,
  DrainingView,
  PoolView,
  PoolHealthView,
  PurgeAcceptedView,
  PurgeDto,
  ReloadDto,
  ReloadedView,
  toPurgeOrder,
  toReloadedView,
} from './pools.dto';
import { PoolsService } from './placement/pools.service';
import { PurgeService } from './operations/purge.service';
import { ReloadService } from './operations/reload.service';

@ApiTags('pools')
@Controller('v2/pools')
export class PoolsController {
  constructor(
    private readonly pools: PoolsService,
    private readonly drains: DrainService,
    private readonly reloads: ReloadService,
    private readonly purges: PurgeService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List pools' })
  @ApiPage(PoolView, 'By id.')
  async list(@Query() { limit, cursor = '' }: IdPageQuery): Promise<Page<PoolView>> {
    const found = await this.pools.list(cursor, limit + 1);
    return pageOf(found, limit, toPoolView, pool => pool.pool_id);
  }

  @Get(':id')
  @ApiIdParam('id', 'The pool.')
  @ApiOperation({ summary: 'A pool with its replicas' })
  @ApiResponse({ status: 200, description: 'As it stands now.', type: PoolView })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND')
  async get(@Param('id', IdParamPipe) id: string): Promise<PoolView> {
    return toPoolView(await this.pools.get(id));
  }

  @Get(':id/health')
  @ApiIdParam('id', 'The pool.')
  @ApiOperation({
    summary: "A pool's health",
    description: 'A pool that is not known is live and ready by definition.',
  })
  @ApiResponse({ status: 200, description: 'As its engines were when they last answered.', type: PoolHealthView })
  @ApiErrors('INVALID_PARAMS')
  async health(@Param('id', IdParamPipe) id: string): Promise<PoolHealthView> {
    const standing = await this.pools.find(id);
    return standing ? toHealthDto(standing) : unknownPoolHealth;
  }

  @Post(':id/drain')
  @Administrative('pool_drain')
  @HttpCode(202)
  @ApiIdParam('id', 'The pool.')
  @ApiOperation({
    summary: 'Drain a pool',
    description: 'No new work from now on; what runs is ended at the deadline.',
  })
  @ApiBody({ type: DrainDto, required: false })
  @ApiResponse({ status: 202, type: DrainingView })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND')
  async drain(@Param('id', IdParamPipe) id: string, @Body() body: DrainDto): Promise<DrainingView> {
    await this.drains.drain(id, body.deadline_ms ?? DRAIN_DEADLINE_DEFAULT_MS);
    return { pool_id: id, draining: true, ...warningsOf(body) };
  }

  @Post(':id/undrain')
  @Administrative('pool_undrain')
  @HttpCode(202)
  @ApiIdParam('id', 'The pool.')
  @ApiOperation({ summary: 'Take a drained pool back' })
  @ApiResponse({ status: 202, type: DrainingView })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND')
  async undrain(@Param('id', IdParamPipe) id: string): Promise<DrainingView> {
    await this.drains.undrain(id);
    return { pool_id: id, draining: false };
  }

  @Post(':id/reload')
  @Administrative('pool_reload')
  @HttpCode(200)
  @ApiIdParam('id', 'The pool.')
  @ApiOperation({
    summary: 'Swap the model of a pool',
    description: 'All replicas get the new model, or keep the old one.',
  })
  @ApiResponse({ status: 200, description: 'The new model is loaded.', type: ReloadedView })
  @ApiErrors(
    'INVALID_PARAMS',
    'POOL_NOT_FOUND',
    'RELOAD_FAILED',
    'RELOAD_TIMEOUT',
    'POOL_BUSY',
    'MODEL_RETIRED',
    'MODEL_UNVERIFIED',
  )
  async reload(@Param('id', IdParamPipe) id: string, @Body() body: ReloadDto): Promise<ReloadedView> {
    return { ...toReloadedView(id, await this.reloads.reload(id, body.new_model_ref)), ...warningsOf(body) };
  }

  @Post(':id/purge')
  @Administrative('pool_purge')
  @HttpCode(202)
  @ApiIdParam('id', 'The pool.')
  @ApiOperation({
    summary: 'Free what engines and disk hold for a pool',
    description: 'The outcome is shown as `last_purge`.',
  })
  @ApiBody({ type: PurgeDto, required: false })
  @ApiResponse({ status: 202, type: PurgeAcceptedView })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND', 'POOL_BUSY')
  async purge(@Param('id', IdParamPipe) id: string, @Body() body: PurgeDto): Promise<PurgeAcceptedView> {
    await this.purges.purge(id, toPurgeOrder(body));
    return { pool_id: id, accepted: true, ...warningsOf(body) };
  }
}
