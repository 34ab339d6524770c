import { Injectable } from '@nestjs/common';
import { MetricsService } from '../observability/metrics.service';
import { laneIdOf } from '../tasks/ledger/lane-id';
import type { PlacementConstraints } from '../tasks/task';
import { Clock } from '../time/clock';
import { Places } from '../tasks/ledger/task-ledger.port';
import { allowsPool, hasModel, isOfKind, readyPlaces, type Place } from './placement-rules';
import type { PoolView, ReplicaView } from './pool';
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

const CACHE_MS = 60_000;
const CACHE_MAX = 1024;

interface Standing {
  /** By the monotonic clock. */
  readonly untilMs: number;
  readonly places: readonly Place[];
  readonly assessment: Assessment;
}

/** Which places could run a task. Remembered for a minute, until bindings or health change. */
@Injectable()
export class PlacementService extends Places {
  private readonly cache = new Map<string, Standing>();
  /** Of the pools that {@link cache} was made from. */
  private seenVersion = -1;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly metrics: MetricsService,
    private readonly clock: Clock,
  ) {
    super();
  }

  get version(): number {
    return this.registry.version;
  }

  /** With the free slots of this moment. */
  assess(constraints: PlacementConstraints): Assessment {
    const { places, assessment } = this.standingOf(constraints);
    const slotsFree = places.reduce(
      (sum, { poolId, replicaId }) => sum + this.registry.slotsFree(poolId, replicaId),
      0,
    );
    return { ...assessment, slotsFree };
  }

  readyFor(constraints: PlacementConstraints): readonly Place[] {
    return this.standingOf(constraints).places;
  }

  isServed(constraints: PlacementConstraints): boolean {
    const { verdict } = this.standingOf(constraints).assessment;
    return verdict === 'ready' || verdict === 'waiting';
  }

  knowsPool(poolId: string): boolean {
    return this.registry.view().some(pool => pool.poolId === poolId);
  }

  /** Counts a refusal at admission. Asking for a slot again and again while a task waits counts nothing. */
  countRefusal({ pinPoolId }: PlacementConstraints, { verdict, candidates }: Assessment): void {
    this.metrics.placementDecision(verdict.replace('-', '_'), pinPoolId !== undefined, false, candidates);
  }

  /** Counts a task that got a slot. */
  countPlaced(constraints: PlacementConstraints): void {
    const considered = this.readyFor(constraints).length;
    this.metrics.placementDecision('placed', constraints.pinPoolId !== undefined, false, considered);
  }

  private standingOf(constraints: PlacementConstraints): Standing {
    if (this.seenVersion !== this.version) this.cache.clear();
    this.seenVersion = this.version;
    const key = laneIdOf(constraints);
    const known = this.cache.get(key);
    if (known && known.untilMs > this.clock.nowMs()) return known;
    const pools = this.registry.view();
    const standing = {
      untilMs: this.clock.nowMs() + CACHE_MS,
      places: readyPlaces(constraints, pools),
      assessment: assessmentOf(constraints, pools),
    };
    if (this.cache.size >= CACHE_MAX) this.cache.clear();
    this.cache.set(key, standing);
    return standing;
  }
}

function assessmentOf(constraints: PlacementConstraints, pools: readonly PoolView[]): Assessment {
  const allowed = pools.filter(pool => allowsPool(constraints, pool.poolId));
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
