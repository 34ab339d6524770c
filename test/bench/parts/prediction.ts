import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Seeded } from '../../prediction/seeded';
import { verdictOn } from '../../prediction/verdict';
import { shown } from '../figures';
import type { PredictionCost } from '../inside/prediction-cost';
import { runInside } from '../inside/report-back';
import type { Bench, Goal, Part, Table } from '../part';
import { MEAN_TOKENS, TaskFeed, type Arrivals, type SeenTask } from '../predictions/tasks';
import { Program } from '../program';
import { startService } from '../service';

const SEED = 20_261_126;
const GOAL_ERROR_PERCENT = 15;
/** One of ten starts before the range and one after it. */
const GOAL_OUTSIDE_PERCENT = 20;
const GOAL_US = 10;
/** Work that comes, of what a pool can do. */
const LOAD = 0.9;
const COLD_TASKS = 6;

interface Pool {
  readonly poolId: string;
  readonly tokensPerSecond: number;
  readonly slots: number;
}

/** Slower ones have more slots, or they would do too little in the time to say anything. */
const allPools: readonly Pool[] = [
  { poolId: 'of-10', tokensPerSecond: 10, slots: 8 },
  { poolId: 'of-20', tokensPerSecond: 20, slots: 6 },
  { poolId: 'of-60', tokensPerSecond: 60, slots: 4 },
  { poolId: 'of-200', tokensPerSecond: 200, slots: 2 },
];

interface Phase {
  readonly name: string;
  readonly tasks: readonly SeenTask[];
  /** Pools are warm, and lengths are those that are asked for: what can be known is known. */
  readonly isJudged: boolean;
}

/** How close predicted starts are, and how often within the range that is told. */
export const prediction: Part = {
  name: 'prediction',
  title: 'Prediction: when a task starts',
  async run(bench) {
    // The slow ones need minutes.
    const pools = bench.quick ? allPools.slice(2) : allPools;
    const phases = await playPhases(bench, pools);
    const costs = await runInside<readonly PredictionCost[]>('prediction-cost.ts', []);
    return {
      method: [
        `Stand-in engines of ${pools.map(({ tokensPerSecond }) => tokensPerSecond).join(', ')} tokens/s a slot, each a pool with ` +
          `${pools.map(({ slots }) => slots).join(', ')} slots, all at once; tasks of 10 to 200 tokens come at random (seeded), ` +
          `${LOAD * 100} % of what a pool can do. One run. A wait is \`started_ms\` less \`created_ms\` of the task's record. ` +
          `"Within" is the share of starts inside the measured range that was told, which is to be 80 % or more; error and width are medians, of ` +
          `tasks that waited a quarter of a second or longer, as a share of that wait. Starts that were told as assumed are only counted.`,
        `Where outputs stop at a word that comes by chance, nobody can know how long the tasks ahead will take: there the range counts.`,
      ],
      tables: [...phases.map(phase => tableOf(phase, pools)), costTable(costs)],
      goals: goalsOf(phases, costs),
    };
  },
};

async function playPhases(bench: Bench, pools: readonly Pool[]): Promise<Phase[]> {
  const folder = join(bench.folder, 'prediction');
  const runtimeDir = join(folder, 'engines');
  mkdirSync(runtimeDir, { recursive: true });
  const engines: Program[] = [];
  for (const pool of pools) engines.push(await startStandIn(pool, runtimeDir, folder));
  const settings = {
    ORCHD_DATA_DIR: join(folder, 'data'),
    ORCHD_RUNTIME_DIR: runtimeDir,
    ORCHD_ADMISSION_CAPACITY: '100000',
    ORCHD_FALLBACK: 'wait',
  };
  const random = new Seeded(SEED);
  let service = await startService(folder, settings);
  const phases: Phase[] = [];
  const play = async (name: string, isJudged: boolean, begin: (feed: TaskFeed) => Promise<unknown>): Promise<void> => {
    const feed = new TaskFeed(service, random);
    for (const { poolId } of pools) await feed.ready(poolId);
    await begin(feed);
    const tasks = await feed.seen();
    const { within, medianError } = verdictOn(tasks.filter(isMeasured));
    bench.say(`${name}: ${tasks.length} tasks, ${percent(within)} within, median error ${percent(medianError)}`);
    phases.push({ name, tasks, isJudged });
  };
  const longMs = bench.size(120_000, 8000);
  const steady =
    (more: Omit<Arrivals, 'poolId' | 'perSecond'> = {}, forMs = longMs) =>
    (feed: TaskFeed) =>
      Promise.all(pools.map(pool => feed.run({ ...more, poolId: pool.poolId, perSecond: rateOf(pool) }, forMs)));
  try {
    await play('Cold: six tasks for each pool at once, after a first start', false, async feed => {
      for (const { poolId } of pools) for (let n = 0; n < COLD_TASKS; n++) feed.submit({ poolId });
    });
    await play('Warm: steady arrivals, pinned', true, steady());
    await service.stop();
    service = await startService(folder, settings);
    await play('After a restart: steady arrivals, pinned', true, steady({}, longMs / 2));
    await play('Bursts: twenty tasks for each pool at once', true, async feed => {
      for (const { poolId } of pools) for (let n = 0; n < 20; n++) feed.submit({ poolId });
    });
    const all = pools.reduce((sum, pool) => sum + rateOf(pool), 0);
    await play('Any pool: steady arrivals, pinned to none', true, feed =>
      feed.run({ poolId: undefined, perSecond: all }, longMs / 2),
    );
    await play('Two classes: 40 % batch, pinned', true, steady({ batch: 0.4 }));
    await play('Outputs that stop by chance: steady arrivals, pinned', false, steady({ stops: true }));
  } finally {
    await service.stop();
    for (const engine of engines) await engine.stop();
  }
  return phases;
}

function startStandIn({ poolId, tokensPerSecond, slots }: Pool, runtimeDir: string, folder: string): Promise<Program> {
  return Program.start({
    program: 'test/engine/main.ts',
    args: [
      ...['--port', 0, '--slots', slots, '--tokens-per-second', tokensPerSecond],
      ...['--handoff', runtimeDir, '--pool', poolId, '--replica', 'r0'],
    ],
    folder,
  });
}

function rateOf({ tokensPerSecond, slots }: Pool): number {
  return (LOAD * slots * tokensPerSecond) / MEAN_TOKENS;
}

function isMeasured({ basis }: SeenTask): boolean {
  return basis === 'measured';
}

const head = ['', 'tasks', 'assumed', 'within', 'waited', 'median wait ms', 'error', 'range'];

function tableOf({ name, tasks }: Phase, pools: readonly Pool[]): Table {
  const rows = pools.map(({ poolId, tokensPerSecond }) =>
    rowOf(
      `${tokensPerSecond} tokens/s`,
      tasks.filter(task => task.poolId === poolId),
    ),
  );
  const classes = tasks.some(({ isBatch }) => isBatch)
    ? [true, false].map(batch =>
        rowOf(
          batch ? 'batch' : 'interactive',
          tasks.filter(({ isBatch }) => isBatch === batch),
        ),
      )
    : [];
  return { caption: name, head, rows: [...rows, ...classes, rowOf('all', tasks)] };
}

function rowOf(name: string, tasks: readonly SeenTask[]): string[] {
  const measured = tasks.filter(isMeasured);
  const { within, waited, medianWaitMs, medianError, medianWidth } = verdictOn(measured);
  const figures =
    measured.length === 0
      ? ['', '', '', '', '']
      : [
          percent(within),
          String(waited),
          ...(waited > 0 ? [shown(medianWaitMs), percent(medianError), percent(medianWidth)] : ['', '', '']),
        ];
  return [name, String(tasks.length), String(tasks.length - measured.length), ...figures];
}

function costTable(costs: readonly PredictionCost[]): Table {
  return {
    caption: 'What a prediction costs',
    head: ['', 'µs'],
    rows: costs.map(({ name, us }) => [name, shown(us)]),
  };
}

function goalsOf(phases: readonly Phase[], costs: readonly PredictionCost[]): Goal[] {
  const judged = phases.filter(({ isJudged }) => isJudged);
  return [
    ...judged.map(({ name, tasks }) => ({
      what: `Starts outside of the range, ${name.toLowerCase()}`,
      got: 100 * (1 - verdictOn(tasks.filter(isMeasured)).within),
      atMost: GOAL_OUTSIDE_PERCENT,
      unit: '%',
    })),
    {
      what: 'Starts once warm: median error of the wait',
      got: 100 * verdictOn(judged.flatMap(({ tasks }) => tasks.filter(isMeasured))).medianError,
      atMost: GOAL_ERROR_PERCENT,
      unit: '%',
    },
    {
      what: `A prediction, ${costs[2]?.name ?? ''}`,
      got: costs[2]?.us ?? 0,
      atMost: GOAL_US,
      unit: 'µs',
    },
  ];
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
