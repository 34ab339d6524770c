import { TurnoverMap } from '../../collections/turnover-map';
import type { LaneAhead } from '../../tasks/ledger/lane-ahead';
import type { Candidates, Candidate } from '../../pools/placement/candidates.port';
import { laneIdOf, type PlacementConstraints } from '../../pools/placement/constraints';
import type { Priority } from '../../tasks/task/task';
import type { HeldTask } from './held-task';
import { isBefore, OrderedSet, type Ordered } from './ordered-set';
import { SummedSet } from './summed-set';

/** Apart by class, for within a class the order of service is that of age. */
type Members = Readonly<Record<Priority, OrderedSet<HeldTask>>>;

/** The waiting tasks that one set of candidates can run. */
export class Lane {
  readonly members: Readonly<Record<Priority, SummedSet<HeldTask>>> = {
    interactive: new SummedSet(),
    batch: new SummedSet(),
  };
  isServed = false;
  ready: readonly Candidate[] = [];
  private seenVersion = -1;

  constructor(
    readonly id: string,
    readonly constraints: PlacementConstraints,
    /** Replicas (`pool/replica`) that failed these tasks: used only where no other is ready. */
    readonly avoided: ReadonlySet<string>,
  ) {}

  get size(): number {
    return this.members.interactive.size + this.members.batch.size;
  }

  head(): HeldTask | undefined {
    const interactive = this.members.interactive.first();
    const batch = this.members.batch.first();
    if (!interactive || !batch) return interactive ?? batch;
    return isBefore(batch, interactive) ? batch : interactive;
  }

  /** What of it goes before this task, which need not be one of its own. */
  before(task: Ordered): LaneAhead {
    const [interactive, batch] = [this.members.interactive.before(task), this.members.batch.before(task)];
    return {
      constraints: this.constraints,
      sums: {
        tasks: interactive.tasks + batch.tasks,
        bytes: interactive.bytes + batch.bytes,
        askedTokens: interactive.askedTokens + batch.askedTokens,
      },
    };
  }

  /** Looks at the candidates anew where they changed; true when the lane is served now and was not, or the other way round. */
  look(candidates: Candidates): boolean {
    if (this.seenVersion === candidates.version) return false;
    this.seenVersion = candidates.version;
    const ready = candidates.readyFor(this.constraints);
    const others = this.avoided.size === 0 ? ready : ready.filter(candidate => !this.avoided.has(nameOf(candidate)));
    this.ready = others.length > 0 ? others : ready;
    const wasServed = this.isServed;
    this.isServed = candidates.isServed(this.constraints);
    return this.isServed !== wasServed;
  }

  /** Nobody waits in it any more. Who does next finds what there is then: some of it changes with time alone. */
  rest(): void {
    this.seenVersion = -1;
  }
}

/** Those that something can serve, or those that nothing can: in one order over all their lanes, for positions. */
class Room {
  readonly members: Members = { interactive: new OrderedSet(), batch: new OrderedSet() };
  lanes = 0;
  bytes = 0;

  get tasks(): number {
    return this.members.interactive.size + this.members.batch.size;
  }

  add(task: HeldTask): void {
    this.members[task.priority].add(task);
    this.bytes += task.bytes;
  }

  delete(task: HeldTask): void {
    this.members[task.priority].delete(task);
    this.bytes -= task.bytes;
  }

  rank(task: Ordered): number {
    return this.members.interactive.rank(task) + this.members.batch.rank(task);
  }

  /** The one that was admitted first. */
  oldest(): HeldTask | undefined {
    const interactive = this.members.interactive.first();
    const batch = this.members.batch.first();
    if (!interactive || !batch) return interactive ?? batch;
    return batch.seq < interactive.seq ? batch : interactive;
  }
}

export interface RoomView {
  readonly tasks: number;
  readonly lanes: number;
  readonly bytes: number;
  readonly isServed: boolean;
  readonly isNewLane: boolean;
}

/**
 * The waiting tasks, in lanes. Those that nothing bound can serve count in a room of their own, so that no place they hold
 * counts for others; a lane changes rooms as a whole when a change of pools makes the difference.
 */
export class Lanes {
  private readonly lanes = new TurnoverMap<string, Lane>();
  /** The last that was emptied, used again where the next task waits for the same: mostly it does. */
  private spare: Lane | undefined;
  private readonly served = new Room();
  private readonly unserved = new Room();
  private seenVersion = -1;

  constructor(private readonly candidates: Candidates) {}

  get depth(): Readonly<Record<Priority, number>> {
    const { served, unserved } = this;
    return {
      interactive: served.members.interactive.size + unserved.members.interactive.size,
      batch: served.members.batch.size + unserved.members.batch.size,
    };
  }

  all(): Iterable<Lane> {
    this.look();
    return this.lanes.values();
  }

  /** What of the queue is taken, as a task with these constraints would find it. */
  roomFor(constraints: PlacementConstraints): RoomView {
    this.look();
    const lane = this.lanes.get(laneIdOf(constraints));
    const isServed = lane?.isServed ?? this.candidates.isServed(constraints);
    const { tasks, lanes, bytes } = this.room(isServed);
    return { tasks, lanes, bytes, isServed, isNewLane: !lane };
  }

  /** Puts a task at the place that its key gives it. */
  add(task: HeldTask, nowMs: number): void {
    const lane = this.laneOf(task, nowMs);
    lane.members[task.priority].add(task);
    this.room(lane.isServed).add(task);
    task.laneId = lane.id;
  }

  /** False where it does not wait. */
  remove(task: HeldTask): boolean {
    const lane = this.laneWith(task);
    if (!lane) return false;
    const room = this.room(lane.isServed);
    lane.members[task.priority].delete(task);
    room.delete(task);
    task.laneId = undefined;
    if (lane.size === 0) {
      this.lanes.delete(lane.id);
      room.lanes--;
      lane.rest();
      this.spare = lane;
    }
    return true;
  }

  /** How many of the same room go before it. */
  position(task: HeldTask): number {
    this.look();
    return this.room(this.laneWith(task)?.isServed ?? true).rank(task);
  }

  /** Whether a ready candidate that the task does not avoid may run it, free or not. */
  hasOtherPlace(task: HeldTask, nowMs: number): boolean {
    const avoided = avoidedBy(task, nowMs);
    return this.candidates.readyFor(task.constraints).some(candidate => !avoided.has(nameOf(candidate)));
  }

  /** What goes before a task of this order, by lane; lanes of which nothing does are left out. */
  ahead(order: Ordered): LaneAhead[] {
    const ahead: LaneAhead[] = [];
    for (const lane of this.lanes.values()) {
      const before = lane.before(order);
      if (before.sums.tasks > 0) ahead.push(before);
    }
    return ahead;
  }

  /** The one of a room that was admitted first. */
  oldest(isServed: boolean): HeldTask | undefined {
    this.look();
    return this.room(isServed).oldest();
  }

  private look(): void {
    if (this.seenVersion === this.candidates.version) return;
    this.seenVersion = this.candidates.version;
    for (const lane of this.lanes.values()) {
      if (!lane.look(this.candidates)) continue;
      const [from, to] = lane.isServed ? [this.unserved, this.served] : [this.served, this.unserved];
      from.lanes--;
      to.lanes++;
      for (const set of Object.values(lane.members)) {
        for (const task of set.values()) {
          from.delete(task);
          to.add(task);
        }
      }
    }
  }

  private laneWith({ laneId }: HeldTask): Lane | undefined {
    return laneId === undefined ? undefined : this.lanes.get(laneId);
  }

  private laneOf(task: HeldTask, nowMs: number): Lane {
    this.look();
    const avoided = avoidedBy(task, nowMs);
    const plainId = laneIdOf(task.constraints);
    const id = avoided.size === 0 ? plainId : `${plainId} ${[...avoided].sort().join(' ')}`;
    const known = this.lanes.get(id);
    if (known) return known;
    const lane = this.spare?.id === id ? this.spare : new Lane(id, task.constraints, avoided);
    lane.look(this.candidates);
    this.lanes.set(id, lane);
    this.room(lane.isServed).lanes++;
    return lane;
  }

  private room(isServed: boolean): Room {
    return isServed ? this.served : this.unserved;
  }
}

function avoidedBy({ avoided }: HeldTask, nowMs: number): ReadonlySet<string> {
  if (avoided.size === 0) return nobody;
  return new Set([...avoided].flatMap(([replica, untilMs]) => (untilMs > nowMs ? [replica] : [])));
}

function nameOf({ poolId, replicaId }: Candidate): string {
  return `${poolId}/${replicaId}`;
}

const nobody: ReadonlySet<string> = new Set();
