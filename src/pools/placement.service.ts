import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, type Subscription } from 'rxjs';
import { MetricsService } from '../observability/metrics.service';
import { laneIdOf } from '../tasks/queue/lane-id';
import type { PlacementConstraints } from '../tasks/task';
import { Clock } from '../time/clock';
import { bestOf, byMerit, type Candidate } from './merit';
import { allowsPool, hasModel, isOfKind, readyPlaces, type Place } from './placement-rules';
import type { Lease, PoolView, ReplicaView } from './pool';
import { PoolRegistry } from './pool-registry.port';

/**
 * Whether a task with these constraints could run, looking at every place it may use:
 * - `ready` a live and ready replica serves it (it may be busy: see `slotsFree`);
 * - `waiting` none is ready now, but one reloads, drains, or was bound before a restart and not probed yet: worth waiting for;
 * - `not-ready` no such place is ready (none is bound, or those bound are down or loading);
 * - `draining` it is pinned to a pool that drains;
 * - `no-model` replicas are bound, all declare their models, and none has the one asked for.
 */
export interface Assessment {
  readonly verdict: 'ready' | 'waiting' | 'not-ready' | 'draining' | 'no-model';
  /** Slots in all, and free ones, of the ready replicas that may run it. */
  readonly slotsTotal: number;
  readonly slotsFree: number;
  /** Replicas looked at. */
  readonly candidates: number;
  /** Models that the bound replicas declare; for the message of `no-model`. */
  readonly models: readonly string[];
  /** True where the model is declared by a ready replica but loaded on none. */
  readonly needsLoad: boolean;
}

export interface AcquireHints {
  /** The session's last replica: its KV cache may be warm. */
  readonly warm?: { readonly poolId: string; readonly replicaId: string };
  /** Replicas (`pool/replica`) that failed this task already: used only when no other may run it. */
  readonly avoid: ReadonlySet<string>;
}

const CACHE_MS = 60_000;
const CACHE_MAX = 1024;

/** Chooses replicas. Which places could run a task is remembered for a minute, until bindings or health change. */
@Injectable()
export class PlacementService implements OnModuleInit, OnModuleDestroy {
  private cache = new Map<string, { readonly places: readonly Place[]; readonly untilMs: number }>();
  private changes: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly metrics: MetricsService,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.changes = this.registry.changes$.pipe(filter(change => change.kind !== 'slot-freed')).subscribe(() => {
      // A new one, so that who looked before the change remembers what he saw in the old one.
      this.cache = new Map();
    });
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  async assess(constraints: PlacementConstraints): Promise<Assessment> {
    const allowed = (await this.registry.pools()).filter(pool => allowsPool(constraints, pool.poolId));
    const ofKind = allowed
      .flatMap(pool => pool.replicas)
      .filter(replica => !replica.leaving && isOfKind(constraints, replica));
    const able = ofKind.filter(replica => hasModel(constraints, replica));
    const open = new Set(allowed.filter(pool => pool.ready).map(pool => pool.poolId));
    const ready = able.filter(replica => replica.ready && open.has(replica.poolId));
    return {
      verdict: verdictOf(constraints, allowed, ofKind, able, ready),
      slotsTotal: ready.reduce((sum, replica) => sum + replica.slotsTotal, 0),
      slotsFree: ready.reduce((sum, replica) => sum + replica.slotsFree, 0),
      candidates: ofKind.length,
      models: [...new Set(ofKind.flatMap(replica => replica.models ?? []).map(model => model.id))].sort(),
      needsLoad: ready.length > 0 && ready.every(replica => mustLoad(constraints, replica)),
    };
  }

  /** Leases the best free slot; undefined when there is none. */
  async acquire(constraints: PlacementConstraints, hints: AcquireHints): Promise<Lease | undefined> {
    const places = await this.placesFor(constraints);
    // One that failed the task is used again only when no other could ever run it, free or not.
    const isAvoided = ({ poolId, replicaId }: Place): boolean => hints.avoid.has(`${poolId}/${replicaId}`);
    const usable =
      hints.avoid.size === 0 || places.every(isAvoided) ? places : places.filter(place => !isAvoided(place));
    const candidates = new Set<Candidate>();
    for (const place of usable) {
      const replica = await this.registry.replica(place.poolId, place.replicaId);
      if (replica && replica.slotsFree > 0) candidates.add({ ...place, slotsFree: replica.slotsFree });
    }
    const merit = byMerit(hints.warm);
    for (let best = bestOf(candidates, merit); best; best = bestOf(candidates, merit)) {
      const lease = await this.registry.acquire(best.poolId, best.replicaId);
      if (lease) {
        this.metrics.placementDecision('placed', constraints.pinPoolId !== undefined, false, places.length);
        return lease;
      }
      // Somebody was quicker.
      candidates.delete(best);
    }
    return undefined;
  }

  /** Whether a ready replica that is none of these may run it, free or not. */
  async hasPlaceBeside(constraints: PlacementConstraints, avoid: ReadonlySet<string>): Promise<boolean> {
    const places = await this.placesFor(constraints);
    return places.some(({ poolId, replicaId }) => !avoid.has(`${poolId}/${replicaId}`));
  }

  /** Counts a refusal at admission. Asking for a slot again and again while a task waits counts nothing. */
  countRefusal({ pinPoolId }: PlacementConstraints, { verdict, candidates }: Assessment): void {
    this.metrics.placementDecision(verdict.replace('-', '_'), pinPoolId !== undefined, false, candidates);
  }

  private async placesFor(constraints: PlacementConstraints): Promise<readonly Place[]> {
    const { cache } = this;
    const key = laneIdOf(constraints);
    const known = cache.get(key);
    if (known && known.untilMs > this.clock.nowMs()) return known.places;
    const places = readyPlaces(constraints, await this.registry.pools());
    if (cache.size >= CACHE_MAX) cache.clear();
    cache.set(key, { places, untilMs: this.clock.nowMs() + CACHE_MS });
    return places;
  }
}

function verdictOf(
  { pinPoolId }: PlacementConstraints,
  allowed: readonly PoolView[],
  ofKind: readonly ReplicaView[],
  able: readonly ReplicaView[],
  ready: readonly ReplicaView[],
): Assessment['verdict'] {
  if (pinPoolId !== undefined && allowed.some(pool => pool.draining)) return 'draining';
  if (ready.length > 0) return 'ready';
  if (ofKind.length > 0 && able.length === 0) return 'no-model';
  const draining = new Set(allowed.filter(pool => pool.draining).map(pool => pool.poolId));
  const reloading = new Set(allowed.filter(pool => pool.reloading).map(pool => pool.poolId));
  const comesBack = ({ poolId, url, live, probed }: ReplicaView): boolean =>
    // An engine may well be silent while it loads its model; one without an address never becomes ready.
    !probed || (url !== undefined && reloading.has(poolId)) || (live && draining.has(poolId));
  return able.some(comesBack) ? 'waiting' : 'not-ready';
}

function mustLoad({ modelRef }: PlacementConstraints, { models }: ReplicaView): boolean {
  return (
    modelRef !== undefined &&
    models !== undefined &&
    !models.some(model => model.id === modelRef && model.state === 'loaded')
  );
}
