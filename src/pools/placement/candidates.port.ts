import type { PlacementConstraints } from './constraints';

/** A replica that a task may use, were it free, and how it stands there. */
export interface Candidate {
  readonly poolId: string;
  readonly replicaId: string;
  readonly preferred: boolean;
  /** The model that the task would run, by its id; undefined where the engine declares none. */
  readonly model?: string;
  /** It has to be loaded first. */
  readonly mustLoad: boolean;
}

/** The candidates of this deployment as a node sees them now. */
export abstract class Candidates {
  /** Another number whenever {@link readyFor} or {@link isServed} may answer otherwise than before. */
  abstract readonly version: number;

  /** Ready replicas that a task with these constraints may use, free or not. */
  abstract readyFor(constraints: PlacementConstraints): readonly Candidate[];

  /** Whether a bound replica can serve it, now or as soon as it is back. What nothing can serve waits in a room of its own. */
  abstract isServed(constraints: PlacementConstraints): boolean;
}
