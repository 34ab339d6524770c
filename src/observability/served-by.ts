/** Labels that say who served a task; the empty string where it is not known yet. */
export interface ServedBy {
  readonly engine: string;
  readonly engineVersion: string;
  readonly poolId: string;
  readonly replicaId: string;
}
