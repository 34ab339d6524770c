import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, type Subscription } from 'rxjs';
import { MetricsService } from '../../observability/metrics.service';
import type { ServedBy } from '../../observability/served-by';
import type { ReplicaStatus } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';

/** The gauge of KV cache usage: a series for each live replica whose engine reports it, and none for any other. */
@Injectable()
export class KvUsage implements OnModuleInit, OnModuleDestroy {
  /** The labels under which a replica is shown now. */
  private readonly shown = new Map<string, ServedBy>();
  private unbound: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly metrics: MetricsService,
  ) {}

  onModuleInit(): void {
    this.unbound = this.registry.poolChanges$
      .pipe(filter(change => change.kind === 'unbound'))
      .subscribe(({ poolId, replicaId }) => this.hide(`${poolId}/${replicaId ?? ''}`));
  }

  onModuleDestroy(): void {
    this.unbound?.unsubscribe();
  }

  show({ engine, engineVersion, poolId, replicaId, live, leaving, kvUsageRatio }: ReplicaStatus): void {
    const key = `${poolId}/${replicaId}`;
    const before = this.shown.get(key);
    const isReported = kvUsageRatio !== undefined && live && !leaving;
    if (before && (!isReported || before.engineVersion !== engineVersion || before.engine !== engine)) this.hide(key);
    if (!isReported) return;
    const by: ServedBy = { engine, engineVersion, poolId, replicaId };
    this.shown.set(key, by);
    this.metrics.kvCacheUsage(by, kvUsageRatio);
  }

  private hide(key: string): void {
    const by = this.shown.get(key);
    if (by) this.metrics.kvCacheUsage(by, undefined);
    this.shown.delete(key);
  }
}
