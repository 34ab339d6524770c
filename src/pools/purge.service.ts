import { Injectable } from '@nestjs/common';
import { filter, firstValueFrom, from, merge, mergeMap, timeout } from 'rxjs';
import { CatalogService } from '../catalog/catalog.service';
import type { EngineOutcome } from '../engines/engine-adapter.port';
import { asServiceError, ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { Clock } from '../time/clock';
import { DrainService } from './drain.service';
import { EngineAccess } from './engine-access';
import type { ReplicaView } from './pool';
import { PoolRegistry } from './pool-registry.port';

const STEP_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 60_000;

export interface PurgeOrder {
  readonly purgeEngine: boolean;
  readonly purgeModels: readonly string[];
  readonly drainFirst: boolean;
  readonly deleteCacheDirs: boolean;
  readonly force: boolean;
}

interface PurgeStep {
  readonly step: string;
  readonly done: boolean;
  readonly reason?: string;
}

/** What was done, and what was not possible; shown with the pool. */
export interface PurgeReport {
  readonly started_ms: number;
  readonly ended_ms: number;
  readonly steps: readonly PurgeStep[];
}

/** Frees what engines and disk hold for a pool: KV slots, loaded models, cached files. */
@Injectable()
export class PurgeService {
  private readonly purging = new Set<string>();

  constructor(
    private readonly registry: PoolRegistry,
    private readonly engines: EngineAccess,
    private readonly catalog: CatalogService,
    private readonly drain: DrainService,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** Accepts the order; the work goes on after this resolves. @throws ServiceError POOL_NOT_FOUND, POOL_BUSY */
  async purge(poolId: string, order: PurgeOrder): Promise<void> {
    if (!(await this.registry.pool(poolId))) throw new ServiceError('POOL_NOT_FOUND');
    if (this.purging.has(poolId)) throw new ServiceError('POOL_BUSY', { message: 'A purge of this pool is under way.' });
    this.purging.add(poolId);
    void this.carryOut(poolId, order).finally(() => this.purging.delete(poolId));
  }

  private async carryOut(poolId: string, order: PurgeOrder): Promise<void> {
    const startedMs = this.clock.wallMs();
    const steps: PurgeStep[] = [];
    try {
      if (order.drainFirst) steps.push(await this.drained(poolId));
      if (order.force) {
        const ended = await this.registry.revoke(poolId, new ServiceError('POOL_DRAINED', { message: 'The pool was purged.' }));
        steps.push({ step: `end ${ended} running tasks`, done: true });
      }
      const replicas = (await this.registry.pool(poolId))?.replicas ?? [];
      for (const replica of replicas) steps.push(...(await this.purgeReplica(replica, order)));
      if (order.deleteCacheDirs) for (const model of order.purgeModels) steps.push(await this.removeFiles(model));
      if (order.drainFirst) await this.drain.undrain(poolId);
    } catch (cause) {
      steps.push({ step: 'purge', done: false, reason: asServiceError(cause).message });
      this.narrator.fail('A purge failed inside the service.', { event: 'purge_failed', pool_id: poolId }, cause);
    }
    const report: PurgeReport = { started_ms: startedMs, ended_ms: this.clock.wallMs(), steps };
    await this.registry.recordPurge(poolId, report);
    const undone = steps.filter(step => !step.done).length;
    this.narrator.tell(`Pool ${poolId} was purged; ${undone} of ${steps.length} steps were not possible.`, {
      event: 'pool_purged',
      pool_id: poolId,
      steps,
    });
  }

  private async drained(poolId: string): Promise<PurgeStep> {
    await this.drain.drain(poolId, DRAIN_TIMEOUT_MS);
    const idle$ = merge(from([undefined]), this.registry.changes$).pipe(
      mergeMap(() => this.registry.pool(poolId)),
      filter(pool => (pool?.running ?? 0) === 0),
      timeout(DRAIN_TIMEOUT_MS + 1000),
    );
    const idle = await firstValueFrom(idle$).then(
      () => true,
      () => false,
    );
    return { step: 'drain', done: idle, ...(!idle && { reason: 'tasks were still running' }) };
  }

  private async purgeReplica(replica: ReplicaView, order: PurgeOrder): Promise<PurgeStep[]> {
    const { adapter, target } = this.engines.of(replica);
    const attempt = async (step: string, act: () => Promise<EngineOutcome>): Promise<PurgeStep> => {
      const outcome = await act().catch((cause: unknown): EngineOutcome => ({ ok: false, unsupported: false, reason: asServiceError(cause).message }));
      return { step: `${step} on ${replica.replicaId}`, done: outcome.ok, ...(!outcome.ok && { reason: outcome.reason }) };
    };
    const steps: PurgeStep[] = [];
    const signal = (): AbortSignal => AbortSignal.timeout(STEP_TIMEOUT_MS);
    if (order.purgeEngine) steps.push(await attempt('erase KV slots', () => adapter.eraseSlots(target, signal())));
    for (const model of order.purgeModels) steps.push(await attempt(`unload ${model}`, () => adapter.unload(target, model, signal())));
    return steps;
  }

  private async removeFiles(model: string): Promise<PurgeStep> {
    const { deleted, reason } = await this.catalog.removeCachedFiles(model);
    return { step: `delete cached files of ${model}`, done: deleted > 0, ...(reason !== undefined && { reason }) };
  }
}
