import { allowsPool, canRun } from '../../pools/placement/placement-rules';
import type { PoolStatus, ReplicaStatus } from '../../pools/registry/pool';
import type { PoolRegistry } from '../../pools/registry/pool-registry.port';
import { laneIdOf, type PlacementConstraints } from '../../pools/placement/constraints';
import type { StationView } from './forecasts';
import type { RunningAttempt } from './station';

interface Kind {
  readonly poolId: string;
  /** Stands for all: whatever a task may ask of one, the others have as well. */
  readonly sample: ReplicaStatus;
  readonly replicas: { readonly replicaId: string; readonly key: string }[];
  slotsTotal: number;
}

/** What changes with every task. */
export type SlotCounts = Pick<PoolRegistry, 'slotsFree' | 'releasing'>;

/** The ready replicas in stations, as they are until bindings or health change. */
export class StationMap {
  private readonly kinds: Kind[] = [];
  private readonly usable = new Map<string, readonly number[]>();

  /** @param version of the pools that it is made of */
  constructor(
    pools: readonly PoolStatus[],
    readonly version: number,
  ) {
    const known = new Map<string, Kind>();
    for (const replica of readyReplicas(pools)) {
      const { poolId, replicaId, slotsTotal } = replica;
      const name = kindOf(replica);
      let kind = known.get(name);
      if (!kind) {
        kind = { poolId, sample: replica, replicas: [], slotsTotal: 0 };
        known.set(name, kind);
        this.kinds.push(kind);
      }
      kind.replicas.push({ replicaId, key: replicaKey(replica) });
      kind.slotsTotal += slotsTotal;
    }
  }

  /** The stations that tasks of a lane may use. */
  usableBy(constraints: PlacementConstraints): readonly number[] {
    const laneId = laneIdOf(constraints);
    let stations = this.usable.get(laneId);
    if (!stations) {
      stations = this.kinds.flatMap(({ poolId, sample }, index) =>
        allowsPool(constraints, poolId) && canRun(constraints, sample) ? [index] : [],
      );
      // Lanes come and go with what clients ask for.
      if (this.usable.size >= LANES_MAX) this.usable.clear();
      this.usable.set(laneId, stations);
    }
    return stations;
  }

  /**
   * The stations as their slots are taken now. Asked for every task, so it looks at the counts alone.
   * @param elsewhereOn what other nodes run there, as of a while ago
   */
  views(
    slots: SlotCounts,
    runsOn: (replica: string) => readonly RunningAttempt[],
    elsewhereOn: (replica: string) => readonly RunningAttempt[],
  ): readonly StationView[] {
    return this.kinds.map(kind => {
      let slotsFree = 0;
      let slotsReleasing = 0;
      for (const { replicaId } of kind.replicas) {
        slotsFree += slots.slotsFree(kind.poolId, replicaId);
        slotsReleasing += slots.releasing(kind.poolId, replicaId);
      }
      return new StationNow(kind, slotsFree, slotsReleasing, runsOn, elsewhereOn);
    });
  }
}

class StationNow implements StationView {
  readonly poolId: string;
  readonly replicas: number;
  readonly slotsTotal: number;

  constructor(
    private readonly kind: Kind,
    readonly slotsFree: number,
    readonly slotsReleasing: number,
    private readonly runsOn: (replica: string) => readonly RunningAttempt[],
    private readonly elsewhereOn: (replica: string) => readonly RunningAttempt[],
  ) {
    this.poolId = kind.poolId;
    this.replicas = kind.replicas.length;
    this.slotsTotal = kind.slotsTotal;
  }

  /** Thousands may run, and a task that finds a slot free asks for none of them. */
  get running(): readonly RunningAttempt[] {
    const own = this.kind.replicas.flatMap(({ key }) => this.runsOn(key));
    const told = this.kind.replicas.flatMap(({ key }) => this.elsewhereOn(key));
    const slotsLeft = this.slotsTotal - this.slotsFree - this.slotsReleasing - own.length;
    return told.length === 0 ? own : [...own, ...within(slotsLeft, told)];
  }
}

/** As many as hold slots now: the others, nearest their end, have ended since they were told of. */
export function within(slots: number, told: readonly RunningAttempt[]): readonly RunningAttempt[] {
  if (told.length <= slots) return told;
  const leftOf = ({ askedTokens, tokens }: RunningAttempt): number => askedTokens - tokens;
  return [...told].sort((a, b) => leftOf(b) - leftOf(a)).slice(0, Math.max(0, slots));
}

/** As many as a queue may have. */
const LANES_MAX = 1024;

function readyReplicas(pools: readonly PoolStatus[]): readonly ReplicaStatus[] {
  return pools.filter(pool => pool.ready).flatMap(({ replicas }) => replicas.filter(replica => replica.ready));
}

export function replicaKey({ poolId, replicaId }: { readonly poolId: string; readonly replicaId: string }): string {
  return `${poolId}/${replicaId}`;
}

/** Equal for replicas that the same tasks may use. */
function kindOf({ poolId, engine, supportedWorkloads, models, ctxMax, features }: ReplicaStatus): string {
  return JSON.stringify([poolId, engine, supportedWorkloads, models, ctxMax, features.includes('model-loading')]);
}
