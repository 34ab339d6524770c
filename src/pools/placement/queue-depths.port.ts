import type { MaybeLater } from '../../time/maybe-later';
import type { PlacementConstraints } from './constraints';

/** Queued tasks, by class. */
export interface QueueDepth {
  readonly interactive: number;
  readonly batch: number;
}

/** The queued tasks that ask for the same candidates. */
export interface LaneDepth extends QueueDepth {
  readonly constraints: PlacementConstraints;
}

/** How many tasks wait, and for which candidates. */
export abstract class QueueDepths {
  /** Of all that wait. At once, for it is told with every measure of a stream. */
  abstract depth(): QueueDepth;

  /** One for each lane, in no order. Costs time in the number of lanes, whatever waits in them. */
  abstract laneDepths(): MaybeLater<readonly LaneDepth[]>;
}
