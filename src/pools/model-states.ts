import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { concatMap, filter, type Subscription } from 'rxjs';
import { MetricsService } from '../observability/metrics.service';
import type { ReplicaView } from './pool';
import { PoolRegistry } from './pool-registry.port';

/** Which model each replica has, by the engines' word or by the last reload, and the gauge that shows it. */
@Injectable()
export class ModelStates implements OnModuleInit, OnModuleDestroy {
  /** Of replicas whose engine does not say: what the last reload loaded. */
  private readonly reloaded = new Map<string, string>();
  private shown = new Map<string, { readonly modelId: string; readonly state: string }>();
  private changes: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly metrics: MetricsService,
  ) {}

  onModuleInit(): void {
    this.changes = this.registry.changes$
      .pipe(
        filter(change => change.kind !== 'slot-freed'),
        concatMap(() => this.refresh()),
      )
      .subscribe();
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  /** The model a replica has loaded; undefined where nobody knows. */
  loadedOn(replica: ReplicaView): string | undefined {
    return this.reloaded.get(keyOf(replica)) ?? replica.models?.find(model => model.state === 'loaded')?.id ?? replica.loadedModel;
  }

  /** A reload has loaded this model (undefined: none). */
  async loaded(replica: ReplicaView, modelRef: string | undefined): Promise<void> {
    if (modelRef === undefined) this.reloaded.delete(keyOf(replica));
    else this.reloaded.set(keyOf(replica), modelRef);
    await this.refresh();
  }

  private async refresh(): Promise<void> {
    const replicas = (await this.registry.pools()).flatMap(pool => pool.replicas);
    const present = new Set(replicas.map(keyOf));
    for (const key of this.reloaded.keys()) if (!present.has(key)) this.reloaded.delete(key);
    const counts = new Map<string, { modelId: string; state: string; replicas: number }>();
    for (const { modelId, state } of replicas.flatMap(replica => this.statesOf(replica))) {
      const key = `${state} ${modelId}`;
      const known = counts.get(key);
      if (known) known.replicas++;
      else counts.set(key, { modelId, state, replicas: 1 });
    }
    for (const [key, { modelId, state }] of this.shown) if (!counts.has(key)) this.metrics.modelState(modelId, state, 0);
    for (const { modelId, state, replicas: count } of counts.values()) this.metrics.modelState(modelId, state, count);
    this.shown = counts;
  }

  private statesOf(replica: ReplicaView): { modelId: string; state: string }[] {
    const loaded = this.loadedOn(replica);
    const declared = (replica.models ?? []).filter(model => model.id !== loaded).map(({ id, state }) => ({ modelId: id, state }));
    return loaded === undefined ? declared : [{ modelId: loaded, state: 'loaded' }, ...declared];
  }
}

function keyOf({ poolId, replicaId }: ReplicaView): string {
  return `${poolId}/${replicaId}`;
}
