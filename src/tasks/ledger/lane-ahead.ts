import type { PlacementConstraints } from '../../pools/placement/constraints';

/** What tasks add up to. */
export interface Sums {
  readonly tasks: number;
  /** Of their requests. */
  readonly bytes: number;
  /** The most that they may generate. */
  readonly askedTokens: number;
}

/** The tasks with the same constraints that go before another task. */
export interface LaneAhead {
  readonly constraints: PlacementConstraints;
  readonly sums: Sums;
}
