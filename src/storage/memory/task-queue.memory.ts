import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { laneIdOf } from '../../tasks/queue/lane-id';
import { isBefore, OrderedSet } from '../../tasks/queue/ordered-set';
import {
  TaskQueue,
  type Lane,
  type LaneDepth,
  type OfferOutcome,
  type QueueDepth,
  type QueueEntry,
} from '../../tasks/queue/task-queue.port';
import type { PlacementConstraints, Priority } from '../../tasks/task';

/** Sets of places that queued tasks may name at once; a client that varies its constraints without end stops here. */
const MAX_LANES = 1024;

interface LaneState {
  readonly id: string;
  readonly constraints: PlacementConstraints;
  readonly eligible: OrderedSet<QueueEntry>;
  /** Entries of this lane, eligible or not; the lane goes with its last. */
  readonly members: Record<Priority, number>;
}

interface Place {
  readonly entry: QueueEntry;
  readonly lane: LaneState;
  eligible: boolean;
}

/** The queue in this process: every call is one step, but for an offer that waits for something it may drop. */
@Injectable()
export class MemoryTaskQueue extends TaskQueue {
  private readonly places = new Map<string, Place>();
  /** Apart by class, for within a class the order of service is the order of age. */
  private readonly classes: Readonly<Record<Priority, OrderedSet<QueueEntry>>> = {
    interactive: new OrderedSet(),
    batch: new OrderedSet(),
  };
  private readonly laneStates = new Map<string, LaneState>();
  private bytes = 0;
  /** Offers that found the queue full of places nobody may drop yet. */
  private readonly awaitingChange: (() => void)[] = [];

  constructor(private readonly config: Config) {
    super();
  }

  async offer(entry: QueueEntry, dropOldest: boolean): Promise<OfferOutcome> {
    const laneId = laneIdOf(entry.constraints);
    let evicted: QueueEntry | undefined;
    for (;;) {
      if (this.bytes + entry.bytes > this.config.queueMaxBytes) return { ok: false, reason: 'bytes' };
      if (!this.laneStates.has(laneId) && this.laneStates.size >= MAX_LANES) return { ok: false, reason: 'lanes' };
      if (this.places.size < this.config.admissionCapacity) break;
      if (!dropOldest) return { ok: false, reason: 'full' };
      evicted = this.evictOldest();
      if (evicted) break;
      // Every place is of an admission that is not durable yet: each of them is confirmed or given up, and soon.
      await new Promise<void>(resolve => this.awaitingChange.push(resolve));
    }
    const { lane } = this.insert(entry, laneId, false);
    return {
      ok: true,
      position: this.rank(entry),
      lanePosition: lane.eligible.rank(entry),
      ...(evicted && { evicted }),
    };
  }

  async confirm(taskId: string): Promise<void> {
    const place = this.places.get(taskId);
    if (!place || place.eligible) return;
    place.eligible = true;
    place.lane.eligible.add(place.entry);
    this.changed();
  }

  async restore(entry: QueueEntry): Promise<void> {
    if (!this.places.has(entry.taskId)) this.insert(entry, laneIdOf(entry.constraints), true);
  }

  async dropOldest(): Promise<QueueEntry | undefined> {
    return this.evictOldest();
  }

  async take(laneId: string): Promise<QueueEntry | undefined> {
    const head = this.laneStates.get(laneId)?.eligible.first();
    if (head) this.discard(head.taskId);
    return head;
  }

  async remove(taskId: string): Promise<boolean> {
    return this.discard(taskId);
  }

  async lanes(): Promise<readonly Lane[]> {
    const lanes: Lane[] = [];
    for (const { id, constraints, eligible } of this.laneStates.values()) {
      const head = eligible.first();
      if (head) lanes.push({ id, constraints, head, depth: eligible.size });
    }
    return lanes.length < 2 ? lanes : lanes.sort((a, b) => (isBefore(a.head, b.head) ? -1 : 1));
  }

  async position(taskId: string): Promise<{ position: number; lanePosition: number } | undefined> {
    const place = this.places.get(taskId);
    return place && { position: this.rank(place.entry), lanePosition: place.lane.eligible.rank(place.entry) };
  }

  depth(): QueueDepth {
    return { interactive: this.classes.interactive.size, batch: this.classes.batch.size };
  }

  async laneDepths(): Promise<readonly LaneDepth[]> {
    return [...this.laneStates.values()].map(({ constraints, members }) => ({ constraints, ...members }));
  }

  async depthForPool(poolId: string): Promise<number> {
    let depth = 0;
    for (const { constraints, members } of this.laneStates.values()) {
      const ruledOut =
        constraints.pinPoolId === undefined
          ? constraints.avoidPools.includes(poolId)
          : constraints.pinPoolId !== poolId;
      if (!ruledOut) depth += members.interactive + members.batch;
    }
    return depth;
  }

  private insert(entry: QueueEntry, laneId: string, eligible: boolean): Place {
    let lane = this.laneStates.get(laneId);
    if (!lane) {
      lane = {
        id: laneId,
        constraints: entry.constraints,
        eligible: new OrderedSet(),
        members: { interactive: 0, batch: 0 },
      };
      this.laneStates.set(laneId, lane);
    }
    const place: Place = { entry, lane, eligible };
    this.places.set(entry.taskId, place);
    this.classes[entry.priority].add(entry);
    lane.members[entry.priority]++;
    if (eligible) lane.eligible.add(entry);
    this.bytes += entry.bytes;
    return place;
  }

  private discard(taskId: string): boolean {
    const place = this.places.get(taskId);
    if (!place) return false;
    const { entry, lane } = place;
    this.places.delete(taskId);
    this.classes[entry.priority].delete(entry);
    if (place.eligible) lane.eligible.delete(entry);
    lane.members[entry.priority]--;
    if (lane.members.interactive + lane.members.batch === 0) this.laneStates.delete(lane.id);
    this.bytes -= entry.bytes;
    this.changed();
    return true;
  }

  private changed(): void {
    for (const resolve of this.awaitingChange.splice(0)) resolve();
  }

  private rank(entry: QueueEntry): number {
    return this.classes.interactive.rank(entry) + this.classes.batch.rank(entry);
  }

  private evictOldest(): QueueEntry | undefined {
    const { interactive, batch } = this.classes;
    const heads = [this.firstEligible(interactive), this.firstEligible(batch)].filter(entry => entry !== undefined);
    const [oldest] = heads.sort((a, b) => a.seq - b.seq);
    if (oldest) this.discard(oldest.taskId);
    return oldest;
  }

  /** Entries not yet confirmed are the newest, so this rarely looks past the first. */
  private firstEligible(entries: OrderedSet<QueueEntry>): QueueEntry | undefined {
    for (const entry of entries.values()) if (this.places.get(entry.taskId)?.eligible) return entry;
    return undefined;
  }
}
