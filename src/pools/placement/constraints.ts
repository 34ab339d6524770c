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

/** Equal for tasks that the same set of candidates can run, whatever the order of the pools they name. */
export function laneIdOf(constraints: PlacementConstraints): string {
  const { pinPoolId, preferPools, avoidPools, engine, modelRef, ctx, workload } = constraints;
  return JSON.stringify([pinPoolId, engine, modelRef, ctx, workload, sorted(preferPools), sorted(avoidPools)]);
}

function sorted(pools: readonly string[]): readonly string[] {
  return pools.length > 1 ? [...pools].sort() : pools;
}
