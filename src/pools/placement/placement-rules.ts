import type { Candidate } from './candidates.port';
import type { PlacementConstraints } from './constraints';
import { chooseModel, type ModelWish } from './model-choice';
import type { PoolStatus, ReplicaStatus } from '../registry/pool';

/** Whether the constraints leave this pool open, whatever its state. */
export function allowsPool({ pinPoolId, avoidPools }: PlacementConstraints, poolId: string): boolean {
  return pinPoolId === undefined ? !avoidPools.includes(poolId) : pinPoolId === poolId;
}

/** Whether the replica is of the right kind, whatever its model. */
export function isOfKind({ engine, workload }: PlacementConstraints, replica: ReplicaStatus): boolean {
  if (engine !== undefined && replica.engine !== engine) return false;
  // Before its first answer a replica has told nothing of its workloads.
  return replica.supportedWorkloads.length === 0 || replica.supportedWorkloads.includes(workload);
}

/** What the constraints want of a model; `namesOf` says what a name may stand for. */
export function wishOf(
  { modelRef, ctx }: PlacementConstraints,
  namesOf: (name: string) => readonly string[] = name => [name],
): ModelWish {
  return { ...(modelRef !== undefined && { names: namesOf(modelRef) }), ...(ctx !== undefined && { ctx }) };
}

/** Whether the replica is of the right kind and has the model that is wanted, as far as anybody knows. */
export function canRun(constraints: PlacementConstraints, replica: ReplicaStatus): boolean {
  return isOfKind(constraints, replica) && chooseModel(wishOf(constraints), replica).ok;
}

/** The ready candidates of a task that wants this of a model, over all pools. */
export function readyCandidates(
  constraints: PlacementConstraints,
  wish: ModelWish,
  pools: readonly PoolStatus[],
): readonly Candidate[] {
  return pools
    .filter(pool => pool.ready && allowsPool(constraints, pool.poolId))
    .flatMap(pool => pool.replicas)
    .filter(replica => replica.ready && isOfKind(constraints, replica))
    .flatMap(replica => candidateOn(replica, constraints, wish) ?? []);
}

function candidateOn(
  replica: ReplicaStatus,
  { preferPools }: PlacementConstraints,
  wish: ModelWish,
): Candidate | undefined {
  const choice = chooseModel(wish, replica);
  if (!choice.ok) return undefined;
  const { poolId, replicaId } = replica;
  const { model } = choice;
  return {
    poolId,
    replicaId,
    preferred: preferPools.includes(poolId),
    ...(model && { model: model.id }),
    mustLoad: model !== undefined && model.state !== 'loaded',
  };
}
