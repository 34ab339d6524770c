import type { PlacementConstraints, Priority } from '../task';

/** What the queue keeps of a task. */
export interface QueueEntry {
  readonly taskId: string;
  readonly priority: Priority;
  readonly constraints: PlacementConstraints;
  /** Smaller goes first; ties by `seq`. Static: set at admission, kept over retries and restarts. */
  readonly orderKey: number;
  readonly seq: number;
  /** Bytes of the request, for the bound on what all queued tasks together hold. */
  readonly bytes: number;
}

export type OfferOutcome =
  | { readonly ok: true; readonly position: number; readonly lanePosition: number; readonly evicted?: QueueEntry }
  | { readonly ok: false; readonly reason: 'full' | 'lanes' | 'bytes' };

/** The tasks that the same set of places can run, in order. */
export interface Lane {
  readonly id: string;
  readonly constraints: PlacementConstraints;
  readonly head: QueueEntry;
  readonly depth: number;
}

export interface QueueDepth {
  readonly interactive: number;
  readonly batch: number;
}

export interface LaneDepth extends QueueDepth {
  readonly constraints: PlacementConstraints;
}

/**
 * The bounded queue. An offer takes its place at once (it counts for capacity and positions) but is dispatched only after
 * {@link confirm}: between the two the admission becomes durable. Capacity bounds offers; {@link restore} is not bounded,
 * for a task that was accepted once has a right to its place.
 *
 * Deliberately left out: when to run what (dispatch), where (placement), and how long (deadlines).
 */
export abstract class TaskQueue {
  /**
   * Takes a place. When full: refused, or with `dropOldest` the confirmed entry queued longest (smallest seq) gives up its
   * place in the same step (waiting for the first to be confirmed where none is); the caller ends that task, or gives it back
   * with {@link restore} if the admission fails.
   */
  abstract offer(entry: QueueEntry, dropOldest: boolean): Promise<OfferOutcome>;

  /** Makes an offered entry eligible. */
  abstract confirm(taskId: string): Promise<void>;

  /** Puts an entry back at the place its key gives it, eligible (a retry, a recovery, an eviction undone). */
  abstract restore(entry: QueueEntry): Promise<void>;

  /** Removes the confirmed entry queued longest, to make room; undefined when there is none. */
  abstract dropOldest(): Promise<QueueEntry | undefined>;

  /** Takes the head of a lane off the queue; undefined when the lane is empty by now. */
  abstract take(laneId: string): Promise<QueueEntry | undefined>;

  /** Takes one task off the queue wherever it stands; false when it is not there. */
  abstract remove(taskId: string): Promise<boolean>;

  /** Lanes with an eligible head, by the order of their heads. */
  abstract lanes(): Promise<readonly Lane[]>;

  /** How many queued tasks go before it, in all (0-based), and in its lane; undefined when it is not queued. */
  abstract position(taskId: string): Promise<{ readonly position: number; readonly lanePosition: number } | undefined>;

  /** At once, for it is told with every measure of a stream: as of the last operation that this process has seen. */
  abstract depth(): QueueDepth;

  /** Depth by lane, confirmed or not. */
  abstract laneDepths(): Promise<readonly LaneDepth[]>;

  /** Queued tasks that this pool is not ruled out for: pinned to it, or to none. */
  abstract depthForPool(poolId: string): Promise<number>;
}
