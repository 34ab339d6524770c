import 'reflect-metadata';
import { HeldTask } from '../../../src/storage/embedded/held-task';
import { Lanes } from '../../../src/storage/embedded/lanes';
import { isBefore } from '../../../src/storage/embedded/ordered-set';
import { Candidates, type Candidate } from '../../../src/pools/placement/candidates.port';
import type { TaskSpec } from '../../../src/tasks/task/task';
import type { PlacementConstraints } from '../../../src/pools/placement/constraints';
import { median } from '../figures';

/**
 * What each operation of the queue takes with `DEPTH` tasks in it, in microseconds.
 *
 * Usage: queue-operations.ts DEPTH RUNS
 */
export interface QueueTimes {
  /** A place taken, and its position told. */
  readonly offerUs: number;
  readonly positionUs: number;
  /** A task taken off wherever it stands. */
  readonly removeUs: number;
  /** The head of all lanes taken off. */
  readonly takeUs: number;
}

/** Of each operation in a run. The depth is the same again after each run. */
const OPERATIONS = 1000;
const BATCH_HEAD_START_MS = 30_000;
const MODELS = 8;
/** Uncounted runs, for the compiler. */
const WARM_UPS = 3;

const lanes: PlacementConstraints[] = Array.from({ length: MODELS }, (_, n) => ({
  preferPools: [],
  avoidPools: [],
  modelRef: `model-${n}`,
  workload: 'completion',
}));

/** One candidate for each model: what a pool that serves all of them looks like to the queue. */
class OnePool extends Candidates {
  readonly version = 1;
  private readonly candidates: readonly Candidate[] = [
    { poolId: 'p', replicaId: 'r0', preferred: false, mustLoad: false },
  ];

  readyFor(): readonly Candidate[] {
    return this.candidates;
  }

  isServed(): boolean {
    return true;
  }
}

class FilledQueue {
  private readonly lanes = new Lanes(new OnePool());
  /** Whatever is queued, in no order. */
  private readonly tasks: HeldTask[] = [];
  private lastSeq = 0;

  grow(count: number): void {
    for (let n = 0; n < count; n++) {
      const task = this.nextTask();
      this.lanes.add(task, 0);
      this.lanes.position(task);
      this.tasks.push(task);
    }
  }

  measure(): QueueTimes {
    const offerUs = timed(() => this.grow(OPERATIONS));
    const places = Array.from({ length: OPERATIONS }, () => Math.floor(Math.random() * this.tasks.length));
    const positionUs = timed(() => {
      for (const place of places) this.lanes.position(this.tasks[place] as HeldTask);
    });
    const victims = Array.from({ length: OPERATIONS / 2 }, () => this.pickOut());
    const removeUs = timed(() => {
      for (const task of victims) this.lanes.remove(task);
    });
    const taken = new Set<HeldTask>();
    const takeUs = timed(() => {
      for (let n = 0; n < OPERATIONS / 2; n++) {
        const head = firstOf(this.lanes);
        if (head && this.lanes.remove(head)) taken.add(head);
      }
    });
    this.forget(taken);
    return {
      offerUs: offerUs / OPERATIONS,
      positionUs: positionUs / OPERATIONS,
      removeUs: removeUs / (OPERATIONS / 2),
      takeUs: takeUs / (OPERATIONS / 2),
    };
  }

  private nextTask(): HeldTask {
    const seq = ++this.lastSeq;
    const priority = seq % 3 === 0 ? 'batch' : 'interactive';
    const orderKey = seq + (priority === 'batch' ? BATCH_HEAD_START_MS : 0);
    const taskId = `task-${seq}`;
    const spec: TaskSpec = {
      taskId,
      sessionId: taskId,
      ownSession: true,
      priority,
      constraints: lanes[seq % MODELS] as PlacementConstraints,
      prompt: 'x',
      maxTokens: 256,
      deadlineMs: 60_000,
      sampling: {},
      onDisconnect: 'cancel',
      correlationId: taskId,
    };
    const facts = {
      requestHash: '',
      admittedAtMs: 0,
      orderKey,
      seq,
      queuePosition: 0,
      predictedStartMs: 0,
      predictedStart: { earliestMs: 0, latestMs: 0, basis: 'assumed' as const },
      preparation: [],
    };
    return new HeldTask(spec, facts, { tokens: 0, timeMs: 0, cost: 0 }, 60_000, Infinity);
  }

  private pickOut(): HeldTask {
    const place = Math.floor(Math.random() * this.tasks.length);
    const task = this.tasks[place] as HeldTask;
    this.tasks[place] = this.tasks.at(-1) as HeldTask;
    this.tasks.pop();
    return task;
  }

  private forget(gone: ReadonlySet<HeldTask>): void {
    let kept = 0;
    for (const task of this.tasks) if (!gone.has(task)) this.tasks[kept++] = task;
    this.tasks.length = kept;
  }
}

/** As a claim finds it. */
function firstOf(waiting: Lanes): HeldTask | undefined {
  let first: HeldTask | undefined;
  for (const lane of waiting.all()) {
    const head = lane.head();
    if (head && (!first || isBefore(head, first))) first = head;
  }
  return first;
}

/** In microseconds. */
function timed(work: () => void): number {
  const startMs = performance.now();
  work();
  return (performance.now() - startMs) * 1000;
}

function main([depth = 1000, runs = 5]: number[]): void {
  const queue = new FilledQueue();
  queue.grow(depth);
  const times: QueueTimes[] = [];
  for (let run = -WARM_UPS; run < runs; run++) {
    const one = queue.measure();
    if (run >= 0) times.push(one);
  }
  const middle = (key: keyof QueueTimes): number => median(times.map(one => one[key]));
  const result: QueueTimes = {
    offerUs: middle('offerUs'),
    positionUs: middle('positionUs'),
    removeUs: middle('removeUs'),
    takeUs: middle('takeUs'),
  };
  process.send?.(result, () => process.exit());
}

main(process.argv.slice(2).map(Number));
