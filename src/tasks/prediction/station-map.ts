import { allowsPool, canRun } from '../../pools/placement/placement-rules';
import type { PoolStatus, ReplicaStatus } from '../../pools/registry/pool';
import { laneIdOf, type PlacementConstraints } from '../../pools/placement/constraints';
import type { StationView } from './forecasts';
import type { RunningAttempt } from './station';

interface Kind {
  readonly poolId: string;
  /** Stands for all: whatever a task may ask of one, the others have as well. */
  readonly sample: ReplicaStatus;
}

/** The ready replicas in stations, as they are until bindings or health change. */
export class StationMap {
  private readonly kinds: Kind[] = [];
  /** By pool and replica. */
  private readonly places = new Map<string, number>();
  private readonly usable = new Map<string, readonly number[]>();

  /** @param version of the pools that it is made of */
  constructor(
    pools: readonly PoolStatus[],
    readonly version: number,
  ) {
    const known = new Map<string, number>();
    for (const { replica } of readyReplicas(pools)) {
      const kind = kindOf(replica);
      let station = known.get(kind);
      if (station === undefined) {
        station = this.kinds.push({ poolId: replica.poolId, sample: replica }) - 1;
        known.set(kind, station);
      }
      this.places.set(replicaKey(replica), station);
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

  /** The stations as their slots are taken now. */
  views(pools: readonly PoolStatus[], runsOn: (replica: string) => Iterable<RunningAttempt>): readonly StationView[] {
    const views = this.kinds.map(({ poolId }) => ({
      poolId,
      replicas: 0,
      slotsTotal: 0,
      slotsFree: 0,
      slotsReleasing: 0,
      keys: [] as string[],
    }));
    for (const { replica, key } of readyReplicas(pools)) {
      const view = views[this.places.get(key) ?? -1];
      // One that has come meanwhile is looked at next time.
      if (!view) continue;
      view.replicas++;
      view.slotsTotal += replica.slotsTotal;
      view.slotsFree += replica.slotsFree;
      view.slotsReleasing += replica.releasing;
      view.keys.push(key);
    }
    return views.map(({ keys, replicas, poolId, slotsTotal, slotsFree, slotsReleasing }) => ({
      poolId,
      replicas: Math.max(1, replicas),
      slotsTotal,
      slotsFree,
      slotsReleasing,
      // Thousands may run, and a task that finds a slot free asks for none of them.
      get running() {
        return keys.flatMap(key => [...runsOn(key)]);
      },
    }));
  }
}

/** As many as a queue may have. */
const LANES_MAX = 1024;

function* readyReplicas(pools: readonly PoolStatus[]): IterableIterator<{ replica: ReplicaStatus; key: string }> {
  for (const pool of pools) {
    if (!pool.ready) continue;
    for (const replica of pool.replicas) if (replica.ready) yield { replica, key: replicaKey(replica) };
  }
}

export function replicaKey({ poolId, replicaId }: { readonly poolId: string; readonly replicaId: string }): string {
  return `${poolId}/${replicaId}`;
}

/** Equal for replicas that the same tasks may use. */
function kindOf({ poolId, engine, supportedWorkloads, models, ctxMax, features }: ReplicaStatus): string {
  return JSON.stringify([poolId, engine, supportedWorkloads, models, ctxMax, features.includes('model-loading')]);
}
