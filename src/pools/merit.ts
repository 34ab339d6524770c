import type { Place } from './placement-rules';

type ReplicaName = Pick<Place, 'poolId' | 'replicaId'>;

/** A place with a free slot. */
export interface Candidate extends Place {
  readonly slotsFree: number;
}

/** Negative where `a` is the better one. */
type Merit = (a: Candidate, b: Candidate) => number;

/**
 * An order that can be explained and repeated: the session's last replica, for its KV cache may be warm; preferred pools; the
 * most free slots; pool id; replica id.
 */
export function byMerit(warm: ReplicaName | undefined): Merit {
  const isWarm = (place: Place): number => Number(warm?.poolId === place.poolId && warm.replicaId === place.replicaId);
  return (a, b) =>
    isWarm(b) - isWarm(a) ||
    Number(b.preferred) - Number(a.preferred) ||
    b.slotsFree - a.slotsFree ||
    compare(a.poolId, b.poolId) ||
    compare(a.replicaId, b.replicaId);
}

/** Not by sorting: nearly always the first choice is taken, and this runs whenever a slot frees. */
export function bestOf(candidates: ReadonlySet<Candidate>, merit: Merit): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) if (!best || merit(candidate, best) < 0) best = candidate;
  return best;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
