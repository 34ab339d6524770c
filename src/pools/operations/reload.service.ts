import { Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/catalog.service';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { ModelStates } from './model-states';
import { ModelSwap, type Touched } from './model-swap';
import { PoolOperations, becomesIdle } from './pool-operations';
import { PoolRegistry } from '../registry/pool-registry.port';
import { TimeUp, withinTime } from '../../time/time-limit';

export interface ReloadResult {
  readonly oldModelRef: string | undefined;
  readonly newModelRef: string;
  readonly replicas: readonly string[];
}

/** Swaps the model of a pool: all its replicas have the new one afterwards and no other, or all have the old one again. */
@Injectable()
export class ReloadService {
  constructor(
    private readonly config: Config,
    private readonly registry: PoolRegistry,
    private readonly catalog: CatalogService,
    private readonly operations: PoolOperations,
    private readonly swap: ModelSwap,
    private readonly models: ModelStates,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** @throws ServiceError POOL_NOT_FOUND, POOL_BUSY, MODEL_RETIRED, MODEL_UNVERIFIED, RELOAD_FAILED, RELOAD_TIMEOUT */
  async reload(poolId: string, modelRef: string): Promise<ReloadResult> {
    const pool = await this.registry.pool(poolId);
    if (!pool) throw new ServiceError('POOL_NOT_FOUND');
    const admissible = await this.catalog.admissible(modelRef);
    if (!admissible.ok) throw new ServiceError(admissible.code, { field: 'new_model_ref' });
    // Under whichever of its names.
    const bar = pool.replicas.map(replica => this.models.barOn(replica, modelRef)).find(each => each !== undefined);
    if (bar) throw new ServiceError(bar, { field: 'new_model_ref' });
    const work = await this.operations.begin({ poolId, operation: 'reload', closes: true });
    try {
      // From here on the pool gives no leases, so what runs can only become less.
      if (!(await this.registry.setReloading(poolId, true))) throw new ServiceError('POOL_NOT_FOUND');
      return await this.carryOut(poolId, modelRef);
    } finally {
      await this.registry.setReloading(poolId, false);
      await work.end();
    }
  }

  private async carryOut(poolId: string, modelRef: string): Promise<ReloadResult> {
    const touched: Touched = new Map();
    try {
      await withinTime(this.alarms, this.config.reloadTimeoutMs, async signal => {
        await becomesIdle(this.registry, poolId, signal);
        const replicas = (await this.registry.pool(poolId))?.replicas ?? [];
        await this.swap.load(
          replicas.filter(replica => !replica.leaving),
          modelRef,
          signal,
          touched,
        );
      });
    } catch (thrown) {
      await this.swap.rollBack(touched, modelRef);
      throw this.failure(poolId, modelRef, thrown, touched);
    }
    await this.swap.settle(touched, modelRef);
    this.narrator.tell(`Pool ${poolId} now has ${modelRef}.`, {
      event: 'pool_reloaded',
      pool_id: poolId,
      model_ref: modelRef,
    });
    const [oldModelRef] = [...touched.values()].flat();
    return { oldModelRef, newModelRef: modelRef, replicas: [...touched.keys()].map(replica => replica.replicaId) };
  }

  private failure(poolId: string, modelRef: string, thrown: unknown, touched: Touched): ServiceError {
    const failed = toReloadError(thrown, touched.size > 0);
    this.narrator.warn(
      `Pool ${poolId} keeps its model: ${failed.message}`,
      { event: 'reload_failed', pool_id: poolId, model_ref: modelRef, code: failed.code },
      failed.code === 'INTERNAL' ? thrown : undefined,
    );
    return failed;
  }
}

function toReloadError(thrown: unknown, hasBegun: boolean): ServiceError {
  if (thrown instanceof TimeUp) {
    const message = 'Tasks were still running on the pool when the time was up; drain it first.';
    return new ServiceError('RELOAD_TIMEOUT', hasBegun ? {} : { message }, thrown);
  }
  if (!(thrown instanceof ServiceError)) return new ServiceError('INTERNAL', {}, thrown);
  // Whatever an engine's failure is called elsewhere: here it is why the model could not be loaded.
  return thrown.code === 'RELOAD_FAILED' ? thrown : new ServiceError('RELOAD_FAILED', thrown.details, thrown);
}
