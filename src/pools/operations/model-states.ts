import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { auditTime, concatMap, type Subscription } from 'rxjs';
import type { ModelBar } from '../../catalog/model-bar';
import { ModelStandings } from '../../catalog/model-standings';
import { goesBy } from '../../engines/model-names';
import { MetricsService } from '../../observability/metrics.service';
import { Narrator } from '../../observability/narrator';
import type { ReplicaStatus } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';

/** Changes come in bursts (a start, an engine that goes down with all its replicas): the gauge follows them this much later. */
const REFRESH_AFTER_MS = 50;

interface Loaded {
  readonly modelRef: string;
  /** What the engine called its model then: another name since means that it was changed behind our back. */
  readonly engineSaid: string | undefined;
}

/** Which model each replica has, by its engine's word and by what was loaded last, and the gauge that shows it. */
@Injectable()
export class ModelStates implements OnModuleInit, OnModuleDestroy {
  /** By replica: the name under which the last reload asked for its model. */
  private readonly reloaded = new Map<string, Loaded>();
  private shown = new Map<string, { readonly modelId: string; readonly state: string }>();
  private changes: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly metrics: MetricsService,
    private readonly narrator: Narrator,
    private readonly standings: ModelStandings,
  ) {}

  onModuleInit(): void {
    this.changes = this.registry.poolChanges$
      .pipe(
        auditTime(REFRESH_AFTER_MS),
        concatMap(() =>
          this.narrator.attend(this.refresh(), 'The models of the pools could not be counted.', notCounted),
        ),
      )
      .subscribe();
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  /** The models a replica has loaded, the one of its last reload first; empty where nobody knows. */
  loadedOn(replica: ReplicaStatus): readonly string[] {
    const listed = replica.models?.length ? replica.models : undefined;
    const bySelf = listed?.filter(model => model.state === 'loaded').map(model => model.id);
    const last = this.reloaded.get(keyOf(replica));
    const stands = last && (bySelf ? bySelf.includes(last.modelRef) : last.engineSaid === replica.loadedModel);
    if (stands) return [last.modelRef, ...(bySelf ?? []).filter(model => model !== last.modelRef)];
    return bySelf ?? (replica.loadedModel === undefined ? [] : [replica.loadedModel]);
  }

  /** Why a model that the replica declares under this name may not be used; undefined where it may, or there is none. */
  barOn(replica: ReplicaStatus, name: string): ModelBar | undefined {
    const model = replica.models?.find(each => goesBy(each, this.standings.namesOf(name)));
    return model && this.standings.barOn(model);
  }

  /** What the replica's engine calls a model; the name itself where it declares no such model. */
  idOn({ models }: ReplicaStatus, name: string): string {
    return models?.find(model => goesBy(model, this.standings.namesOf(name)))?.id ?? name;
  }

  /** A reload has loaded this model; `replica` as it stands after it. */
  async loaded(replica: ReplicaStatus, modelRef: string): Promise<void> {
    this.reloaded.set(keyOf(replica), { modelRef, engineSaid: replica.loadedModel });
    await this.refresh();
  }

  /** A purge has unloaded this model. */
  async unloaded(replica: ReplicaStatus, modelRef: string): Promise<void> {
    if (this.reloaded.get(keyOf(replica))?.modelRef === modelRef) this.reloaded.delete(keyOf(replica));
    await this.refresh();
  }

  private async refresh(): Promise<void> {
    const replicas = (await this.registry.pools()).flatMap(pool => pool.replicas);
    const present = new Set(replicas.map(keyOf));
    for (const key of this.reloaded.keys()) if (!present.has(key)) this.reloaded.delete(key);
    const counts = new Map<string, { readonly modelId: string; readonly state: string; replicas: number }>();
    for (const { modelId, state } of replicas.flatMap(replica => this.statesOf(replica))) {
      const key = `${state} ${modelId}`;
      const known = counts.get(key);
      if (known) known.replicas++;
      else counts.set(key, { modelId, state, replicas: 1 });
    }
    for (const [key, { modelId, state }] of this.shown)
      if (!counts.has(key)) this.metrics.modelState(modelId, state, 0);
    for (const { modelId, state, replicas: count } of counts.values()) this.metrics.modelState(modelId, state, count);
    this.shown = counts;
  }

  /** Of an engine that is down nobody knows what it has. */
  private statesOf(replica: ReplicaStatus): { readonly modelId: string; readonly state: string }[] {
    if (replica.url !== undefined && !replica.live) return [];
    const loaded = this.loadedOn(replica);
    const others = (replica.models ?? []).filter(model => !loaded.includes(model.id));
    return [
      ...loaded.map(modelId => ({ modelId, state: 'loaded' })),
      ...others.map(({ id, state }) => ({ modelId: id, state })),
    ];
  }
}

const notCounted = { event: 'models_not_counted' };

function keyOf({ poolId, replicaId }: ReplicaStatus): string {
  return `${poolId}/${replicaId}`;
}
