import { Injectable } from '@nestjs/common';
import { filter, firstValueFrom, from, map, merge, mergeMap, timeout } from 'rxjs';
import { CatalogService } from '../catalog/catalog.service';
import { Config } from '../config/config';
import type { EngineOutcome } from '../engines/engine-adapter.port';
import { asServiceError, ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { EngineAccess } from './engine-access';
import { ModelStates } from './model-states';
import type { PoolView, ReplicaView } from './pool';
import { PoolRegistry } from './pool-registry.port';
import { Prober } from './prober';

/** Bound of loading the old model again after a failed reload. */
const ROLLBACK_TIMEOUT_MS = 60_000;

export interface ReloadResult {
  readonly oldModelRef: string | undefined;
  readonly newModelRef: string;
  readonly replicas: readonly string[];
}

/** Swaps the model of a pool: all its replicas have the new one afterwards, or all have the old one again. */
@Injectable()
export class ReloadService {
  private readonly reloading = new Set<string>();

  constructor(
    private readonly config: Config,
    private readonly registry: PoolRegistry,
    private readonly engines: EngineAccess,
    private readonly models: ModelStates,
    private readonly catalog: CatalogService,
    private readonly prober: Prober,
    private readonly narrator: Narrator,
  ) {}

  /** @throws ServiceError POOL_NOT_FOUND, POOL_BUSY, MODEL_RETIRED, MODEL_UNVERIFIED, RELOAD_FAILED, RELOAD_TIMEOUT */
  async reload(poolId: string, modelRef: string): Promise<ReloadResult> {
    const pool = await this.registry.pool(poolId);
    if (!pool) throw new ServiceError('POOL_NOT_FOUND');
    const admissible = await this.catalog.admissible(modelRef);
    if (!admissible.ok) throw new ServiceError(admissible.code, { field: 'new_model_ref' });
    if (this.reloading.has(poolId)) throw new ServiceError('POOL_BUSY', { message: 'A reload of this pool is under way.' });
    this.reloading.add(poolId);
    try {
      await this.registry.setReloading(poolId, true);
      return await this.swap(pool, modelRef);
    } finally {
      await this.registry.setReloading(poolId, false);
      this.reloading.delete(poolId);
    }
  }

  private async swap({ poolId, replicas }: PoolView, modelRef: string): Promise<ReloadResult> {
    const signal = AbortSignal.timeout(this.config.reloadTimeoutMs);
    const old = new Map(replicas.map(replica => [replica, this.models.loadedOn(replica)]));
    const touched: ReplicaView[] = [];
    try {
      await this.untilIdle(poolId);
      for (const replica of replicas) {
        touched.push(replica);
        await this.load(replica, modelRef, signal);
      }
    } catch (thrown) {
      for (const replica of touched) await this.rollBack(replica, old.get(replica));
      throw this.failure(poolId, modelRef, thrown, signal);
    }
    await this.settle(replicas, modelRef);
    const oldModelRef = [...old.values()].find(model => model !== undefined);
    this.narrator.tell(`Pool ${poolId} now has ${modelRef}.`, { event: 'pool_reloaded', pool_id: poolId, model_ref: modelRef });
    return { oldModelRef, newModelRef: modelRef, replicas: replicas.map(replica => replica.replicaId) };
  }

  /** The pool gives no leases meanwhile, so what runs can only become less. */
  private async untilIdle(poolId: string): Promise<void> {
    const running$ = merge(from([undefined]), this.registry.changes$).pipe(
      mergeMap(() => this.registry.pool(poolId)),
      map(pool => pool?.running ?? 0),
      filter(running => running === 0),
      timeout(this.config.reloadTimeoutMs),
    );
    await firstValueFrom(running$).catch(() => {
      throw new ServiceError('RELOAD_TIMEOUT', { message: 'Tasks were still running on the pool; drain it first.' });
    });
  }

  private async load(replica: ReplicaView, modelRef: string, signal: AbortSignal): Promise<void> {
    const { adapter, target } = this.engines.of(replica);
    const outcome: EngineOutcome = await adapter.load(target, modelRef, signal);
    if (!outcome.ok) throw new ServiceError('RELOAD_FAILED', { engine: replica.engine, message: outcome.reason });
  }

  private async settle(replicas: readonly ReplicaView[], modelRef: string): Promise<void> {
    for (const replica of replicas) {
      await this.unloadOthers(replica, modelRef);
      await this.prober.probeNow(replica.poolId, replica.replicaId);
      await this.models.loaded(replica, modelRef);
    }
  }

  /** Frees the memory of what the new model replaced, where the engine holds many. */
  private async unloadOthers(replica: ReplicaView, modelRef: string): Promise<void> {
    const { adapter, target } = this.engines.of(replica);
    const signal = AbortSignal.timeout(ROLLBACK_TIMEOUT_MS);
    const others = (replica.models ?? []).filter(model => model.id !== modelRef && model.state === 'loaded');
    for (const model of others) await adapter.unload(target, model.id, signal).catch(() => undefined);
  }

  private async rollBack(replica: ReplicaView, model: string | undefined): Promise<void> {
    if (model === undefined) return;
    const { poolId, replicaId } = replica;
    try {
      await this.load(replica, model, AbortSignal.timeout(ROLLBACK_TIMEOUT_MS));
    } catch (cause) {
      const fields = { event: 'rollback_failed', pool_id: poolId, replica_id: replicaId };
      this.narrator.warn(`The old model of ${poolId}/${replicaId} could not be loaded again.`, fields, cause);
    }
    await this.prober.probeNow(poolId, replicaId);
  }

  private failure(poolId: string, modelRef: string, thrown: unknown, signal: AbortSignal): ServiceError {
    const error = signal.aborted ? new ServiceError('RELOAD_TIMEOUT', {}, thrown) : asServiceError(thrown);
    const failed = error.code === 'WORKER_RESET' ? new ServiceError('RELOAD_FAILED', error.details, error) : error;
    this.narrator.warn(`Pool ${poolId} keeps its model: ${failed.message}`, {
      event: 'reload_failed',
      pool_id: poolId,
      model_ref: modelRef,
      code: failed.code,
    });
    return failed;
  }
}
