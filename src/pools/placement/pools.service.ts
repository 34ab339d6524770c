import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { allowsPool } from './placement-rules';
import { QueueDepths } from './queue-depths.port';
import type { PoolStatus } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';

/** A pool, and how many queued tasks it may yet get. */
export interface PoolStanding {
  readonly pool: PoolStatus;
  readonly queueDepth: number;
}

/** How pools stand, for those who ask. */
@Injectable()
export class PoolsService {
  constructor(
    private readonly registry: PoolRegistry,
    private readonly queue: QueueDepths,
  ) {}

  /** By id, those after `afterId`. */
  async list(afterId: string, limit: number): Promise<readonly PoolStanding[]> {
    const pools = (await this.registry.pools()).filter(pool => pool.poolId > afterId).slice(0, limit);
    return Promise.all(pools.map(pool => this.standingOf(pool)));
  }

  /** @throws ServiceError POOL_NOT_FOUND */
  async get(poolId: string): Promise<PoolStanding> {
    const standing = await this.find(poolId);
    if (!standing) throw new ServiceError('POOL_NOT_FOUND');
    return standing;
  }

  async find(poolId: string): Promise<PoolStanding | undefined> {
    const pool = await this.registry.pool(poolId);
    return pool && this.standingOf(pool);
  }

  /** Queued tasks that this pool is not ruled out for: pinned to it, or to none. */
  async queueDepth(poolId: string): Promise<number> {
    const { interactive, batch } = this.queue.depth();
    if (interactive + batch === 0) return 0;
    const lanes = await this.queue.laneDepths();
    return lanes
      .filter(({ constraints }) => allowsPool(constraints, poolId))
      .reduce((sum, { interactive, batch }) => sum + interactive + batch, 0);
  }

  private async standingOf(pool: PoolStatus): Promise<PoolStanding> {
    return { pool, queueDepth: await this.queueDepth(pool.poolId) };
  }
}
