import type { PlacementConstraints } from './constraints';
import type { Candidate } from './placement-rules';

/** The candidates of this deployment as a node sees them now. */
export abstract class Candidates {
  /** Another number whenever {@link readyFor} or {@link isServed} may answer otherwise than before. */
  abstract readonly version: number;

  /** Ready replicas that a task with these constraints may use, free or not. */
  abstract readyFor(constraints: PlacementConstraints): readonly Candidate[];

  /** Whether a bound replica can serve it, now or as soon as it is back. What nothing can serve waits in a room of its own. */
  abstract isServed(constraints: PlacementConstraints): boolean;
}
