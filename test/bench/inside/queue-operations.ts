import 'reflect-metadata';
import { loadConfig } from '../../../src/config/config';
import { MemoryTaskQueue } from '../../../src/storage/memory/task-queue.memory';
import { laneIdOf } from '../../../src/tasks/queue/lane-id';
import type { QueueEntry } from '../../../src/tasks/queue/task-queue.port';
import type { PlacementConstraints } from '../../../src/tasks/task';
import { median } from '../figures';

/**
 * What each operation of the queue takes with `DEPTH` tasks in it, in microseconds.
 *
 * Usage: queue-operations.ts DEPTH RUNS
 */
export interface QueueTimes {
  /** A place taken and confirmed. */
  readonly offerUs: number;
  readonly positionUs: number;
  /** A task taken off wherever it stands. */
  readonly removeUs: number;
  /** The head of a lane taken off. */
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

class FilledQueue {
  private readonly queue: MemoryTaskQueue;
  private readonly laneIds = lanes.map(laneIdOf);
  /** Whatever is queued, in no order. */
  private readonly ids: string[] = [];
  private lastSeq = 0;

  constructor(depth: number) {
    const { config } = loadConfig({
      ORCHD_ADMISSION_CAPACITY: '1000000',
      ORCHD_QUEUE_MAX_BYTES: String(64 * 1024 ** 3),
    });
    // Places beyond the depth, for the offers of a run.
    this.queue = new MemoryTaskQueue({ ...config, admissionCapacity: depth + 2 * OPERATIONS });
  }

  async grow(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const entry = this.nextEntry();
      await this.queue.offer(entry, false);
      await this.queue.confirm(entry.taskId);
      this.ids.push(entry.taskId);
    }
  }

  async measure(): Promise<QueueTimes> {
    const offerUs = await timed(() => this.grow(OPERATIONS));
    const places = Array.from({ length: OPERATIONS }, () => Math.floor(Math.random() * this.ids.length));
    const positionUs = await timed(async () => {
      for (const place of places) await this.queue.position(this.ids[place] as string);
    });
    const victims = Array.from({ length: OPERATIONS / 2 }, () => this.removeRandomId());
    const removeUs = await timed(async () => {
      for (const id of victims) await this.queue.remove(id);
    });
    const taken: string[] = [];
    const takeUs = await timed(async () => {
      for (let n = 0; n < OPERATIONS / 2; n++) {
        const entry = await this.queue.take(this.laneIds[n % MODELS] as string);
        if (entry) taken.push(entry.taskId);
      }
    });
    this.forget(new Set(taken));
    return {
      offerUs: offerUs / OPERATIONS,
      positionUs: positionUs / OPERATIONS,
      removeUs: removeUs / (OPERATIONS / 2),
      takeUs: takeUs / (OPERATIONS / 2),
    };
  }

  private nextEntry(): QueueEntry {
    const seq = ++this.lastSeq;
    const priority = seq % 3 === 0 ? 'batch' : 'interactive';
    const orderKey = seq + (priority === 'batch' ? BATCH_HEAD_START_MS : 0);
    const constraints = lanes[seq % MODELS] as PlacementConstraints;
    return { taskId: `task-${seq}`, priority, constraints, orderKey, seq, bytes: 300 };
  }

  private removeRandomId(): string {
    const place = Math.floor(Math.random() * this.ids.length);
    const id = this.ids[place] as string;
    this.ids[place] = this.ids.at(-1) as string;
    this.ids.pop();
    return id;
  }

  private forget(gone: ReadonlySet<string>): void {
    let kept = 0;
    for (const id of this.ids) if (!gone.has(id)) this.ids[kept++] = id;
    this.ids.length = kept;
  }
}

/** In microseconds. */
async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) * 1000;
}

async function main([depth = 1000, runs = 5]: number[]): Promise<void> {
  const queue = new FilledQueue(depth);
  await queue.grow(depth);
  const times: QueueTimes[] = [];
  for (let run = -WARM_UPS; run < runs; run++) {
    const one = await queue.measure();
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

void main(process.argv.slice(2).map(Number));
