import { parseArgs } from 'node:util';
import { ended } from '../support/batch-client';
import { FairnessWatch } from './fairness-watch';
import { Stage } from './stage';

/**
 * What a large batch costs: memory of the service, lines a second, and what interactive requests feel of it; and how fairly many small
 * ones go. Wants an idle machine with Linux.
 *
 * Usage: npm run test:batches -- [--lines 50000] [--line-bytes 4096] [--small 1000] [--part size|beside|fair]
 */

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '50000' },
    'line-bytes': { type: 'string', default: '4096' },
    small: { type: 'string', default: '1000' },
    part: { type: 'string' },
  },
});

const [lines, lineBytes, small] = [Number(values.lines), Number(values['line-bytes']), Number(values.small)];
const SLOTS = 32;
const BESIDE_MS = 20_000;
const DONE_MS = 900_000;
const SMALL_LINES = 10;
/** What the service may hold beyond what it does when idle. */
const MEMORY_MAX_BYTES = 200 * 1024 * 1024;
/** Of interactive first tokens beside a batch, by those without one. */
const SLOWER_MAX = 1.2;
/** Lines of the large batch between the first and the last line of a small one, by the lines of that; 1 is exact. */
const UNEVEN_MAX = 1.5;

/** One large batch on an engine that is as fast as it is read. */
async function size(): Promise<void> {
  const stage = await Stage.open({ slots: SLOTS, tokensPerSecond: 0, prefillMs: 5 });
  try {
    await stage.interactive(2000);
    const idle = stage.residentBytes();
    const watch = stage.watchMemory();
    const uploadMs = await timed(async () => void (await stage.upload(lines, lineBytes)));
    const { id } = await stage.client.create(stage.fileId);
    const lookMs = await timed(
      async () => void (await stage.client.until(id, ({ status }) => status !== 'validating', DONE_MS)),
    );
    const runMs = await timed(
      async () => void (await stage.client.until(id, each => ended.includes(each.status), DONE_MS)),
    );
    const peak = watch.end();
    const { status, request_counts: counts } = await stage.client.get(id);
    print('a large batch', `${lines} lines of ${lineBytes} bytes, ${mib(stage.fileBytes)}: ${status}`, counts);
    print('uploaded in', `${seconds(uploadMs)}, looked at in ${seconds(lookMs)}, run in ${seconds(runMs)}`);
    print('lines a second', Math.round(lines / (runMs / 1000)));
    print('memory', `${mib(idle)} idle, at most ${mib(peak - idle)} more`);
    judge(status === 'completed' && counts.completed === lines, 'each line was answered');
    judge(peak - idle < MEMORY_MAX_BYTES, `less than ${mib(MEMORY_MAX_BYTES)} more`);
  } finally {
    await stage.close();
  }
}

/** Interactive requests beside a large batch and without it, on an engine that takes its time. */
async function beside(): Promise<void> {
  const stage = await Stage.open({ slots: SLOTS, tokensPerSecond: 50, prefillMs: 50 });
  try {
    await stage.interactive(3000);
    const without = await stage.interactive(BESIDE_MS);
    await stage.upload(lines, lineBytes);
    const { id } = await stage.client.create(stage.fileId);
    await stage.client.until(id, ({ request_counts: { completed } }) => completed > 50, DONE_MS);
    const before = await stage.client.get(id);
    const along = await stage.interactive(BESIDE_MS);
    const after = await stage.client.get(id);
    await stage.client.cancel(id);
    const done = after.request_counts.completed - before.request_counts.completed;
    print('first token', `p50 ${ms(without.p50Ms)}, p99 ${ms(without.p99Ms)} without a batch`);
    print(
      'beside one',
      `p50 ${ms(along.p50Ms)}, p99 ${ms(along.p99Ms)}: ${(along.p99Ms / without.p99Ms).toFixed(2)} ×`,
    );
    judge(along.p99Ms <= SLOWER_MAX * without.p99Ms, `p99 at most ${SLOWER_MAX} ×`);
    print('meanwhile', `${Math.round(done / (BESIDE_MS / 1000))} lines a second`);
  } finally {
    await stage.close();
  }
}

/**
 * Many small batches at once, and a large one that was there before them. Fair is that between the first line of a small one and its last, the
 * large one gets about as many, however many there are. First come, first served would be all of its lines.
 */
async function fair(): Promise<void> {
  const stage = await Stage.open({ slots: SLOTS, tokensPerSecond: 0, prefillMs: 5 });
  try {
    await stage.upload(lines, 512);
    const large = await stage.client.create(stage.fileId);
    await stage.client.until(large.id, ({ request_counts: { completed } }) => completed > 100, DONE_MS);
    await stage.upload(SMALL_LINES, 512);
    const watch = new FairnessWatch(stage.client, large.id, SMALL_LINES);
    await watch.make(stage.fileId, small);
    await watch.untilAllEnded(DONE_MS);
    const { status, request_counts: counts } = await stage.client.get(large.id);
    const { waitedMs, evenness } = watch.figures();
    const turns = await watch.turnsOfLarge();
    print(
      `${small} batches of ${SMALL_LINES}`,
      `made in ${seconds(watch.madeMs)}, ended within ${seconds(watch.endedMs)}`,
    );
    print(
      'each took',
      `p50 ${seconds(waitedMs.p50Ms)}, p99 ${seconds(waitedMs.p99Ms)}, Jain's index ${evenness.toFixed(3)}`,
    );
    print('the large one came', `${turns.median} times between their first line and their last, at most ${turns.most}`);
    judge(turns.most <= SMALL_LINES * UNEVEN_MAX, `at most ${SMALL_LINES * UNEVEN_MAX} times`);
    print('the large one', `${status} after that, ${counts.completed} of ${counts.total} lines`);
  } finally {
    await stage.close();
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Prints whether a bound holds; one that does not is told by the exit code. */
function judge(holds: boolean, bound: string): void {
  print(holds ? 'holds' : 'MISSED', bound);
  if (!holds) process.exitCode = 1;
}

function print(name: string, ...what: unknown[]): void {
  console.log(name.padEnd(24), ...what);
}

const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
const seconds = (spanMs: number): string => `${(spanMs / 1000).toFixed(1)} s`;
const ms = (spanMs: number): string => `${spanMs.toFixed(1)} ms`;

async function main(): Promise<void> {
  const parts = { size, beside, fair };
  for (const [name, part] of Object.entries(parts)) if (!values.part || values.part === name) await part();
}

void main();
