import type { PlacementConstraints } from '../tasks/task';
import type { PoolView, ReplicaView } from './pool';

/** A replica that a task may use, were it free, and how it stands there. */
export interface Place {
  readonly poolId: string;
  readonly replicaId: string;
  readonly preferred: boolean;
}

/** Whether the constraints leave this pool open, whatever its state. */
export function allowsPool({ pinPoolId, avoidPools }: PlacementConstraints, poolId: string): boolean {
  return pinPoolId === undefined ? !avoidPools.includes(poolId) : pinPoolId === poolId;
}

/** Whether the replica is of the right kind, whatever its model. */
export function isOfKind({ engine, workload }: PlacementConstraints, replica: ReplicaView): boolean {
  if (engine !== undefined && replica.engine !== engine) return false;
  // Before its first answer a replica has told nothing of its workloads.
  return replica.supportedWorkloads.length === 0 || replica.supportedWorkloads.includes(workload);
}

/** A replica that declares no models serves any, as a llama.cpp server does. */
export function hasModel({ modelRef }: PlacementConstraints, { models }: ReplicaView): boolean {
  return (
    modelRef === undefined ||
    models === undefined ||
    models.some(model => model.id === modelRef && model.state !== 'failed')
  );
}

/** The ready places of a task, over all pools. */
export function readyPlaces(constraints: PlacementConstraints, pools: readonly PoolView[]): readonly Place[] {
  return pools
    .filter(pool => pool.ready && allowsPool(constraints, pool.poolId))
    .flatMap(pool => pool.replicas)
    .filter(replica => replica.ready && isOfKind(constraints, replica) && hasModel(constraints, replica))
    .map(({ poolId, replicaId }) => ({ poolId, replicaId, preferred: constraints.preferPools.includes(poolId) }));
}
