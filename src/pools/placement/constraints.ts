/** Where a task may run. Two tasks with equal constraints share a lane of the queue. */
export interface PlacementConstraints {
  readonly pinPoolId?: string;
  readonly preferPools: readonly string[];
  readonly avoidPools: readonly string[];
  readonly engine?: string;
  /** Any name of the model; undefined: whichever a candidate has. */
  readonly modelRef?: string;
  /** The least context of a slot, in tokens. */
  readonly ctx?: number;
  readonly workload: string;
}

/** Of tasks that may run anywhere, by workload: most are such, and are asked for several times each. */
const anywhere = new Map<string, string>();
/** Of engines, which are few; a client's word for one is refused before it comes here. */
const WORKLOADS_MAX = 64;
/** The last of the others: while such a task is admitted, its own is asked for time and again. */
let last: { readonly constraints: PlacementConstraints; readonly id: string } | undefined;

/** Equal for tasks that the same set of candidates can run, whatever the order of the pools they name. */
export function laneIdOf(constraints: PlacementConstraints): string {
  const { pinPoolId, preferPools, avoidPools, engine, modelRef, ctx, workload } = constraints;
  const isBound = pinPoolId !== undefined || engine !== undefined || modelRef !== undefined || ctx !== undefined;
  if (isBound || preferPools.length > 0 || avoidPools.length > 0) {
    if (last?.constraints !== constraints) last = { constraints, id: laneId(constraints) };
    return last.id;
  }
  const known = anywhere.get(workload);
  if (known !== undefined) return known;
  const id = laneId(constraints);
  if (anywhere.size < WORKLOADS_MAX) anywhere.set(workload, id);
  return id;
}

function laneId(constraints: PlacementConstraints): string {
  const { pinPoolId, preferPools, avoidPools, engine, modelRef, ctx, workload } = constraints;
  return JSON.stringify([pinPoolId, engine, modelRef, ctx, workload, sorted(preferPools), sorted(avoidPools)]);
}

function sorted(pools: readonly string[]): readonly string[] {
  return pools.length > 1 ? [...pools].sort() : pools;
}
