import { loadConfig } from '../../../src/config/config';
import { MemoryTaskQueue } from '../../../src/storage/memory/task-queue.memory';
import type { QueueEntry } from '../../../src/tasks/queue/task-queue.port';
import { Random } from '../../crash/random';
import { verdictOf, type Part, type PartResult, type Size } from '../part';

const SIZES: Readonly<Record<Size, readonly number[]>> = {
  quick: [1000, 100_000],
  full: [1000, 10_000, 100_000, 1_000_000],
};
const GOAL_US = 10;
const OPERATIONS = 900;
const constraints = { preferPools: [], avoidPools: [], workload: 'completion' };

async function measureAt(queued: number): Promise<Record<string, number>> {
  const { config } = loadConfig({ ORCHD_ADMISSION_CAPACITY: '1000000', ORCHD_QUEUE_MAX_BYTES: '1000000000' });
  const queue = new MemoryTaskQueue(config);
  const random = new Random(1);
  let lastSeq = 0;
  const fresh = (): QueueEntry => {
    const seq = ++lastSeq;
    const priority = seq % 4 === 0 ? 'batch' : 'interactive';
    return { taskId: `task-${seq}`, priority, constraints, orderKey: random.below(1e9), seq, bytes: 100 };
  };
  // Less what is offered while it is measured, for the queue has its bound.
  for (let n = 0; n < queued - OPERATIONS; n++) {
    const entry = fresh();
    await queue.offer(entry, false);
    await queue.confirm(entry.taskId);
  }
  const [lane] = await queue.lanes();
  const timed = async (run: (at: number) => Promise<unknown>): Promise<number> => {
    const fromMs = performance.now();
    for (let at = 0; at < OPERATIONS; at++) await run(at);
    return ((performance.now() - fromMs) * 1000) / OPERATIONS;
  };
  const entries = Array.from({ length: OPERATIONS }, fresh);
  const idOf = (at: number): string => entries[at]?.taskId ?? '';
  const figures: Record<string, number> = {};
  figures['offer'] = await timed(at => queue.offer(entries[at] as QueueEntry, false));
  figures['confirm'] = await timed(at => queue.confirm(idOf(at)));
  figures['position'] = await timed(at => queue.position(idOf(at)));
  figures['cancel'] = await timed(at => queue.remove(idOf(at)));
  figures['take'] = await timed(() => queue.take(lane?.id ?? ''));
  return figures;
}

async function measure(size: Size): Promise<PartResult> {
  const columns = ['queued'];
  const rows: string[][] = [];
  let worst = 0;
  for (const queued of SIZES[size]) {
    await measureAt(1000); // Warm.
    const figures = await measureAt(queued);
    if (rows.length === 0) columns.push(...Object.keys(figures).map(name => `${name}, µs`));
    rows.push([queued.toLocaleString('en'), ...Object.values(figures).map(us => us.toFixed(2))]);
    worst = Math.max(...Object.values(figures));
  }
  return {
    title: 'Queue operations',
    what: 'In one process, keys at random, a quarter of them batch; each operation is awaited.',
    columns,
    rows,
    verdict: verdictOf('The dearest operation on the longest queue', worst, GOAL_US, 'µs'),
  };
}

export const queuePart: Part = { name: 'queue', run: measure };
