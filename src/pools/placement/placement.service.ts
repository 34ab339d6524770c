import { Injectable } from '@nestjs/common';
import type { ModelBar } from '../../catalog/model-bar';
import { ModelStandings } from '../../catalog/model-standings';
import { MetricsService } from '../../observability/metrics.service';
import { laneIdOf, type PlacementConstraints } from './constraints';
import { Clock } from '../../time/clock';
import { Candidates, type Candidate } from './candidates.port';
import { canServe, chooseModel, shortfalls, type ModelChoice, type ModelWish, type Shortfall } from './model-choice';
import { allowsPool, isOfKind, readyCandidates, wishOf } from './placement-rules';
import type { PoolStatus, ReplicaStatus } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';

/**
 * Whether a task with these constraints could run, looking at every candidate it may use:
 * - `ready` a live and ready replica serves it (it may be busy);
 * - `waiting` none is ready now, but one reloads, drains, or was bound before a restart and not probed yet: worth waiting for;
 * - `not-ready` no such candidate is ready (none is bound, or those bound are down or loading);
 * - `draining` it is pinned to a pool that drains;
 * - `no-workload` replicas of the right kind are bound, all have said what they do, and none does this;
 * - `no-model` replicas are bound, all have said what they have, and none has the model asked for;
 * - `model-failed` those that have it could not load it a short while ago;
 * - `model-unnamed` it names no model, none is loaded, and there are several to choose from;
 * - `small-context` the slots of those that have it are too small for it;
 * - `model-barred` the catalogue forbids the model that it would get. A task that was admitted before that still gets it.
 */
export interface Assessment {
  readonly verdict:
    'ready' | 'waiting' | 'not-ready' | 'draining' | 'no-workload' | (typeof verdictOfShortfall)[Shortfall];
  /** Replicas looked at. */
  readonly considered: number;
  /** Models that a task could name on the bound replicas, sorted; those that failed are not among them. */
  readonly models: readonly string[];
  /** For `no-workload`: what they do, sorted. */
  readonly workloads?: readonly string[];
  /** For `model-failed`: why. */
  readonly failure?: string;
  /** For `small-context`: the largest there is. */
  readonly ctxMax?: number;
  /** For `model-barred`: why. */
  readonly bar?: ModelBar;
  /** True where the model is declared by a ready replica but loaded on none. */
  readonly needsLoad: boolean;
}

const verdictOfShortfall = {
  failed: 'model-failed',
  small: 'small-context',
  unnamed: 'model-unnamed',
  barred: 'model-barred',
  absent: 'no-model',
} as const satisfies Record<Shortfall, string>;

const CACHE_MS = 60_000;
const CACHE_MAX = 1024;

interface Standing {
  /** By the monotonic clock. */
  readonly untilMs: number;
  readonly candidates: readonly Candidate[];
  readonly assessment: Assessment;
}

/** Which candidates could run a task. Remembered for a minute, until bindings or health change. */
@Injectable()
export class PlacementService extends Candidates {
  private readonly cache = new Map<string, Standing>();
  /** Of the pools that {@link cache} was made from. */
  private seenVersion = -1;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly metrics: MetricsService,
    private readonly clock: Clock,
    private readonly standings: ModelStandings,
  ) {
    super();
  }

  get version(): number {
    // Neither ever goes down, so the sum changes with each.
    return this.registry.version + this.standings.version;
  }

  assess(constraints: PlacementConstraints): Assessment {
    return this.standingOf(constraints).assessment;
  }

  readyFor(constraints: PlacementConstraints): readonly Candidate[] {
    return this.standingOf(constraints).candidates;
  }

  isServed(constraints: PlacementConstraints): boolean {
    const { verdict } = this.standingOf(constraints).assessment;
    return verdict === 'ready' || verdict === 'waiting';
  }

  knowsPool(poolId: string): boolean {
    return this.registry.view().some(pool => pool.poolId === poolId);
  }

  /** Counts a refusal at admission. Asking for a slot again and again while a task waits counts nothing. */
  countRefusal({ pinPoolId }: PlacementConstraints, { verdict, considered }: Assessment): void {
    this.metrics.placementDecision(verdict.replaceAll('-', '_'), pinPoolId !== undefined, false, considered);
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
    const open = wishOf(constraints, name => this.standings.namesOf(name));
    const wish: ModelWish = { ...open, barOn: model => this.standings.barOn(model) };
    const assessment = assessmentOf(constraints, wish, pools);
    const standing = {
      untilMs: this.clock.nowMs() + CACHE_MS,
      // Admission refuses what may get no other model: who asks for candidates still was admitted before.
      candidates: readyCandidates(constraints, assessment.verdict === 'model-barred' ? open : wish, pools),
      assessment,
    };
    if (this.cache.size >= CACHE_MAX) this.cache.clear();
    this.cache.set(key, standing);
    return standing;
  }
}

type Reason = Pick<Assessment, 'verdict' | 'workloads' | 'failure' | 'ctxMax' | 'bar'>;

/** A replica of the right kind, and what it would run. */
interface Option {
  readonly replica: ReplicaStatus;
  readonly choice: ModelChoice;
}

function assessmentOf(constraints: PlacementConstraints, wish: ModelWish, pools: readonly PoolStatus[]): Assessment {
  const allowed = pools.filter(pool => allowsPool(constraints, pool.poolId));
  // One without an address will never serve anything.
  const bound = allowed.flatMap(pool => pool.replicas).filter(({ url, leaving }) => url !== undefined && !leaving);
  const options: Option[] = bound
    .filter(replica => isOfKind(constraints, replica))
    .map(replica => ({ replica, choice: chooseModel(wish, replica) }));
  const able = options.filter(({ choice }) => choice.ok);
  const open = new Set(allowed.filter(pool => pool.ready).map(pool => pool.poolId));
  const ready = able.filter(({ replica }) => replica.ready && open.has(replica.poolId));
  return {
    ...(options.length === 0
      ? verdictOfNone(constraints, allowed, bound)
      : verdictOf(constraints, allowed, options, able, ready)),
    considered: options.length,
    models: modelsOf(options, wish),
    needsLoad: ready.length > 0 && ready.every(({ choice }) => choice.model && choice.model.state !== 'loaded'),
  };
}

function verdictOf(
  { pinPoolId }: PlacementConstraints,
  allowed: readonly PoolStatus[],
  options: readonly Option[],
  able: readonly Option[],
  ready: readonly Option[],
): Reason {
  if (pinPoolId !== undefined && allowed.some(pool => pool.draining)) return { verdict: 'draining' };
  if (ready.length > 0) return { verdict: 'ready' };
  if (options.length > 0 && able.length === 0) return shortfallOf(options.map(({ choice }) => choice));
  const draining = new Set(allowed.filter(pool => pool.draining).map(pool => pool.poolId));
  const reloading = new Set(allowed.filter(pool => pool.reloading).map(pool => pool.poolId));
  const comesBack = ({ poolId, live, probed }: ReplicaStatus): boolean =>
    // An engine may well be silent while it loads its model.
    !probed || reloading.has(poolId) || (live && draining.has(poolId));
  return { verdict: able.some(({ replica }) => comesBack(replica)) ? 'waiting' : 'not-ready' };
}

/** No replica that is bound is of the right kind. */
function verdictOfNone(
  { pinPoolId, engine }: PlacementConstraints,
  allowed: readonly PoolStatus[],
  bound: readonly ReplicaStatus[],
): Reason {
  if (pinPoolId !== undefined && allowed.some(pool => pool.draining)) return { verdict: 'draining' };
  const workloads = bound
    .filter(replica => engine === undefined || replica.engine === engine)
    .flatMap(({ supportedWorkloads }) => supportedWorkloads);
  return workloads.length === 0
    ? { verdict: 'not-ready' }
    : { verdict: 'no-workload', workloads: [...new Set(workloads)].sort() };
}

/** What is most worth telling of why none of these will do. */
function shortfallOf(choices: readonly ModelChoice[]): Reason {
  const short = choices.filter(choice => !choice.ok);
  const why = shortfalls.find(each => short.some(choice => choice.why === each)) ?? 'absent';
  const failure = short.find(({ model }) => model?.reason !== undefined)?.model?.reason;
  const ctxMax = Math.max(0, ...short.map(choice => choice.ctxMax ?? 0));
  const bar = short.find(choice => choice.bar !== undefined)?.bar;
  return {
    verdict: verdictOfShortfall[why],
    ...(failure !== undefined && { failure }),
    ...(ctxMax > 0 && { ctxMax }),
    ...(bar !== undefined && { bar }),
  };
}

function modelsOf(options: readonly Option[], { barOn }: ModelWish): readonly string[] {
  const ids = options.flatMap(({ replica }) =>
    (replica.models ?? []).filter(model => canServe(model, replica) && !barOn?.(model)).map(model => model.id),
  );
  return [...new Set(ids)].sort();
}
