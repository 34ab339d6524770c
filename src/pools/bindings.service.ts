import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { concatMap, filter, type Subscription } from 'rxjs';
import { ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { TaskJournal, type JournalBinding } from '../tasks/journal/task-journal.port';
import { EngineAllow } from './engine-allow.port';
import type { Binding } from './pool';
import { PoolRegistry, type BindOutcome, type PoolChange } from './pool-registry.port';
import { Prober } from './prober';

/** Binds replicas, whoever names them: checked, probed at once, and known again after a restart. */
@Injectable()
export class BindingsService implements OnModuleInit, OnModuleDestroy {
  private forgetting: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly prober: Prober,
    private readonly allow: EngineAllow,
    private readonly journal: TaskJournal,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    // A binding can also go by itself (its time to live ended), so the journal follows the registry.
    this.forgetting = this.registry.changes$
      .pipe(
        filter(change => change.kind === 'unbound'),
        concatMap(change => this.forget(change)),
      )
      .subscribe();
  }

  onModuleDestroy(): void {
    this.forgetting?.unsubscribe();
  }

  /**
   * Resolves once the engine was asked for the first time, whatever it said.
   * @throws ServiceError INVALID_PARAMS for an unknown engine or an address at which no engine may live
   */
  async bind(binding: Binding): Promise<BindOutcome> {
    const { poolId, replicaId, url, source } = binding;
    if (url !== undefined) await this.assertAllowed(url);
    const outcome = await this.registry.bind(binding);
    if (outcome === 'kept') return outcome;
    await this.prober.probeNow(poolId, replicaId);
    if (outcome === 'renewed') return outcome;
    if (url !== undefined && source !== 'config') await this.remember(binding, url);
    this.narrator.tell(`Replica ${poolId}/${replicaId} is bound.`, {
      event: 'replica_bound',
      engine: binding.engine,
      pool_id: poolId,
      replica_id: replicaId,
      source,
      outcome,
    });
    return outcome;
  }

  /** False when there is none. */
  unbind(poolId: string, replicaId: string): Promise<boolean> {
    return this.registry.unbind(poolId, replicaId);
  }

  /** Bindings of the process before. Their engines are asked in the background; tasks wait for the answer. */
  async restore(bindings: readonly JournalBinding[]): Promise<void> {
    for (const { poolId, replicaId, engine, url } of bindings) {
      if (await this.registry.replica(poolId, replicaId)) continue; // The configuration names it anew.
      try {
        await this.assertAllowed(url);
        await this.registry.bind({ poolId, replicaId, engine, url, source: 'journal' });
        this.prober.probeSoon(poolId, replicaId);
      } catch (cause) {
        const fields = { event: 'binding_not_restored', pool_id: poolId, replica_id: replicaId };
        this.narrator.warn(`The binding of ${poolId}/${replicaId} could not be taken up again.`, fields, cause);
      }
    }
  }

  private async assertAllowed(url: string): Promise<void> {
    const verdict = await this.allow.check(url);
    if (!verdict.ok) throw new ServiceError('INVALID_PARAMS', { field: 'url', message: verdict.reason });
  }

  private async remember({ poolId, replicaId, engine, source }: Binding, url: string): Promise<void> {
    try {
      await this.journal.saveBinding({ poolId, replicaId, engine, url, source });
    } catch (cause) {
      // It is bound all the same; only a restart would have to be told of it anew.
      this.narrator.warn('A binding could not be kept for the next start.', { event: 'binding_not_kept', pool_id: poolId }, cause);
    }
  }

  private async forget({ poolId, replicaId }: PoolChange): Promise<void> {
    if (replicaId === undefined) return;
    this.narrator.tell(`Replica ${poolId}/${replicaId} is unbound.`, { event: 'replica_unbound', pool_id: poolId, replica_id: replicaId });
    try {
      await this.journal.removeBinding(poolId, replicaId);
    } catch (cause) {
      this.narrator.warn('A binding could not be removed from the journal.', { event: 'binding_not_removed', pool_id: poolId }, cause);
    }
  }
}
