import type { PlacementConstraints } from '../task';

/** Equal for tasks that the same set of places can run, whatever the order of the pools they name. */
export function laneIdOf(constraints: PlacementConstraints): string {
  const { pinPoolId, preferPools, avoidPools, engine, modelRef, ctx, workload } = constraints;
  return JSON.stringify([pinPoolId, engine, modelRef, ctx, workload, sorted(preferPools), sorted(avoidPools)]);
}

function sorted(pools: readonly string[]): readonly string[] {
  return pools.length > 1 ? [...pools].sort() : pools;
}
