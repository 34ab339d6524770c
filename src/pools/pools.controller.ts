import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ServiceError } from '../errors/service-error';
import { ApiErrors } from '../http/api-errors';
import { IdParamPipe } from '../http/id-param.pipe';
import { decodeCursor, encodeCursor, PageQuery, type Page } from '../http/page';
import { TaskQueue } from '../tasks/queue/task-queue.port';
import { DrainService } from './drain.service';
import type { PoolView } from './pool';
import { PoolRegistry } from './pool-registry.port';
import { toHealthDto, toPoolDto, unknownPoolHealth } from './pool.view';
import { DrainDto, PoolDto, PoolHealthDto, PurgeDto, ReloadDto, ReloadedDto, toReloadedDto } from './pools.dto';
import { PurgeService } from './purge.service';
import { ReloadService } from './reload.service';

@ApiTags('pools')
@Controller('v2/pools')
export class PoolsController {
  constructor(
    private readonly registry: PoolRegistry,
    private readonly queue: TaskQueue,
    private readonly drains: DrainService,
    private readonly reloads: ReloadService,
    private readonly purges: PurgeService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List pools' })
  @ApiResponse({ status: 200, description: '`{items: Pool[], next_cursor?}`' })
  async list(@Query() { limit, cursor }: PageQuery): Promise<Page<PoolDto>> {
    const [after = ''] = decodeCursor(cursor) ?? [];
    const rest = (await this.registry.pools()).filter(pool => pool.poolId > String(after));
    const items = await Promise.all(rest.slice(0, limit).map(pool => this.show(pool)));
    const last = items.at(-1);
    return { items, ...(last && rest.length > limit && { next_cursor: encodeCursor([last.pool_id]) }) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'A pool with its replicas' })
  @ApiResponse({ status: 200, type: PoolDto })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND')
  async get(@Param('id', IdParamPipe) id: string): Promise<PoolDto> {
    const pool = await this.registry.pool(id);
    if (!pool) throw new ServiceError('POOL_NOT_FOUND');
    return this.show(pool);
  }

  @Get(':id/health')
  @ApiOperation({ summary: "A pool's health", description: 'A pool that is not known is live and ready by definition.' })
  @ApiResponse({ status: 200, type: PoolHealthDto })
  @ApiErrors('INVALID_PARAMS')
  async health(@Param('id', IdParamPipe) id: string): Promise<PoolHealthDto> {
    const pool = await this.registry.pool(id);
    return pool ? toHealthDto(pool, await this.queue.depthForPool(id)) : unknownPoolHealth;
  }

  @Post(':id/drain')
  @HttpCode(202)
  @ApiOperation({ summary: 'Drain a pool', description: 'No new work from now on; what runs is ended at the deadline.' })
  @ApiResponse({ status: 202, description: '`{pool_id, draining: true}`' })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND')
  async drain(@Param('id', IdParamPipe) id: string, @Body() body: DrainDto): Promise<{ pool_id: string; draining: boolean }> {
    await this.drains.drain(id, body.deadline_ms);
    return { pool_id: id, draining: true };
  }

  @Post(':id/undrain')
  @HttpCode(202)
  @ApiOperation({ summary: 'Take a drained pool back' })
  @ApiResponse({ status: 202, description: '`{pool_id, draining: false}`' })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND')
  async undrain(@Param('id', IdParamPipe) id: string): Promise<{ pool_id: string; draining: boolean }> {
    await this.drains.undrain(id);
    return { pool_id: id, draining: false };
  }

  @Post(':id/reload')
  @HttpCode(200)
  @ApiOperation({ summary: 'Swap the model of a pool', description: 'All replicas get the new model, or keep the old one.' })
  @ApiResponse({ status: 200, type: ReloadedDto })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND', 'RELOAD_FAILED', 'RELOAD_TIMEOUT', 'POOL_BUSY', 'MODEL_RETIRED', 'MODEL_UNVERIFIED')
  async reload(@Param('id', IdParamPipe) id: string, @Body() body: ReloadDto): Promise<ReloadedDto> {
    return toReloadedDto(id, await this.reloads.reload(id, body.new_model_ref));
  }

  @Post(':id/purge')
  @HttpCode(202)
  @ApiOperation({ summary: 'Free what engines and disk hold for a pool', description: 'The outcome is shown as `last_purge`.' })
  @ApiResponse({ status: 202, description: '`{pool_id, accepted: true}`' })
  @ApiErrors('INVALID_PARAMS', 'POOL_NOT_FOUND', 'POOL_BUSY')
  async purge(@Param('id', IdParamPipe) id: string, @Body() body: PurgeDto): Promise<{ pool_id: string; accepted: boolean }> {
    await this.purges.purge(id, {
      purgeEngine: body.purge_engine,
      purgeModels: body.purge_models,
      drainFirst: body.drain_first,
      deleteCacheDirs: body.delete_cache_dirs,
      force: body.force,
    });
    return { pool_id: id, accepted: true };
  }

  private async show(pool: PoolView): Promise<PoolDto> {
    return toPoolDto(pool, await this.queue.depthForPool(pool.poolId));
  }
}
