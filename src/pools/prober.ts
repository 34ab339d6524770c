import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { exhaustMap, filter, from, interval, merge, mergeMap, Subject, type Subscription } from 'rxjs';
import { Config } from '../config/config';
import type { EngineProbe } from '../engines/engine-adapter.port';
import { EngineRegistry } from '../engines/engine-registry';
import { MetricsService } from '../observability/metrics.service';
import { Narrator } from '../observability/narrator';
import type { ReplicaView } from './pool';
import { PoolRegistry } from './pool-registry.port';

/** Engines asked at once. */
const MAX_CONCURRENT = 32;

/** Asks every bound engine how it is, at an interval and when somebody has reason to doubt, and tells the registry. */
@Injectable()
export class Prober implements OnModuleInit, OnModuleDestroy {
  /** Emitting asks this replica as soon as there is room. */
  private readonly soon = new Subject<{ readonly poolId: string; readonly replicaId: string }>();
  private readonly underWay = new Map<string, Promise<void>>();
  private rounds: Subscription | undefined;

  constructor(
    private readonly config: Config,
    private readonly registry: PoolRegistry,
    private readonly engines: EngineRegistry,
    private readonly metrics: MetricsService,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    const everyRound$ = interval(this.config.probeIntervalMs).pipe(
      // A round that takes longer than the interval is not overtaken by the next.
      exhaustMap(() => from(this.registry.pools())),
      mergeMap(pools => pools.flatMap(pool => pool.replicas)),
      filter(replica => replica.url !== undefined),
    );
    this.rounds = merge(everyRound$, this.soon)
      .pipe(mergeMap(({ poolId, replicaId }) => this.probeNow(poolId, replicaId), MAX_CONCURRENT))
      .subscribe();
  }

  onModuleDestroy(): void {
    this.rounds?.unsubscribe();
  }

  /** Asks without being waited for: after an attempt failed. */
  probeSoon(poolId: string, replicaId: string): void {
    this.soon.next({ poolId, replicaId });
  }

  /** Resolves once the registry knows the answer; one that is under way already is shared. Never rejects. */
  probeNow(poolId: string, replicaId: string): Promise<void> {
    const key = `${poolId}/${replicaId}`;
    const known = this.underWay.get(key);
    if (known) return known;
    const probe = this.probe(poolId, replicaId).finally(() => this.underWay.delete(key));
    this.underWay.set(key, probe);
    return probe;
  }

  private async probe(poolId: string, replicaId: string): Promise<void> {
    const before = await this.registry.replica(poolId, replicaId);
    if (before?.url === undefined) return;
    await this.registry.observe(poolId, replicaId, await this.ask(before, before.url));
    const after = await this.registry.replica(poolId, replicaId);
    if (after) this.tell(before, after);
  }

  private async ask({ engine, poolId, replicaId }: ReplicaView, url: string): Promise<EngineProbe> {
    try {
      const signal = AbortSignal.timeout(this.config.probeTimeoutMs);
      const adapter = this.engines.find(engine);
      return (await adapter?.probe({ url, poolId, replicaId }, signal)) ?? { state: 'unreachable', reason: 'No adapter.' };
    } catch (cause) {
      this.narrator.fail('A probe failed inside the service.', { event: 'probe_failed', pool_id: poolId, replica_id: replicaId }, cause);
      return { state: 'unreachable', reason: 'The engine could not be asked.' };
    }
  }

  /** One line for each change, none for a probe that says the same again. */
  private tell(before: ReplicaView, after: ReplicaView): void {
    const { engine, engineVersion, poolId, replicaId, ready, live } = after;
    this.metrics.kvCacheUsage({ engine, engineVersion, poolId, replicaId }, after.kvUsageRatio);
    if (before.probed && before.ready === ready && before.live === live && before.lastError === after.lastError) return;
    const state = ready ? 'is ready' : live ? 'is not ready yet' : 'cannot be reached';
    this.narrator.tell(`Engine ${poolId}/${replicaId} ${state}.`, {
      event: 'replica_health',
      engine,
      engine_version: engineVersion,
      pool_id: poolId,
      replica_id: replicaId,
      live,
      ready,
      ...(after.lastError !== undefined && { reason: after.lastError }),
    });
  }
}
