import type { Placement } from './task';

/** Where an attempt runs, as answers and log lines tell it. */
export function placementFields({ engine, engineVersion, poolId, replicaId, model }: Placement): PlacementFields {
  return {
    engine,
    engine_version: engineVersion,
    pool_id: poolId,
    replica_id: replicaId,
    ...(model !== undefined && { model }),
  };
}

export interface PlacementFields {
  readonly engine: string;
  readonly engine_version: string;
  readonly pool_id: string;
  readonly replica_id: string;
  readonly model?: string;
}
