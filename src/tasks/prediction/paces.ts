import { Calibration, type CalibrationSnapshot } from './calibration';
import { PoolPace, type AttemptMeasure, type PaceSnapshot } from './pool-pace';

/** Kinds of waits that are off for reasons of their own. */
export const waits = ['none', 'next', 'queued', 'overtaken'] as const;
export type Wait = (typeof waits)[number];

/** What is known of one pool. */
export interface PoolKnowledge {
  readonly pace: PoolPace;
  /** Of tasks that may run nowhere else. */
  readonly calibrations: Readonly<Record<Wait, Calibration>>;
}

/** One attempt that came to its end on a pool. */
export interface AttemptLesson {
  readonly poolId: string;
  readonly measure: AttemptMeasure;
}

/** One start, by what was told of it. */
export interface StartLesson {
  /** Undefined for a task that had a choice of pools. */
  readonly poolId: string | undefined;
  readonly wait: Wait;
  readonly outlook: { readonly startMs: number; readonly sdMs: number };
  readonly actualMs: number;
  readonly weight: number;
}

/** What another node can learn from as well as the one that it came to. */
export interface Lessons {
  readonly attempts: readonly AttemptLesson[];
  readonly starts: readonly StartLesson[];
}

/** As JSON. */
type KnowledgeSnapshot = readonly [poolId: string, pace: PaceSnapshot, calibrations: readonly CalibrationSnapshot[]];
type Snapshot = readonly [version: typeof VERSION, pools: readonly KnowledgeSnapshot[]];

const VERSION = 1;
/** Pools that are remembered; past that, the one that was used least recently is forgotten. */
const POOLS_MAX = 256;
/** Attempts, and starts, that are kept for the next report: the newest. A pace stands on some twenty. */
export const LESSONS_MAX = 32;
/** Not the id of a pool: what is learned of tasks that have a choice. */
const CHOICE = '*';

/** What was learned of all pools. */
export class Paces {
  /** In the order of their last use. */
  private readonly pools = new Map<string, PoolKnowledge>();
  /** The last of them. */
  private latest: string | undefined;
  private hasNews = false;
  /** Since the last report; undefined where there are no other nodes. */
  private fresh: { attempts: AttemptLesson[]; starts: StartLesson[] } | undefined;

  pace(poolId: string): PoolPace {
    return this.of(poolId).pace;
  }

  /** @param poolIds where the task may run */
  calibration(poolIds: readonly string[], wait: Wait): Calibration {
    const [only = CHOICE] = poolIds;
    return this.of(poolIds.length === 1 ? only : CHOICE).calibrations[wait];
  }

  observe(poolId: string, measure: AttemptMeasure): void {
    const lesson = { poolId, measure };
    this.learnAttempt(lesson);
    this.hasNews = true;
    if (this.fresh) keepNewest(this.fresh.attempts, lesson);
  }

  /** A task has started of which was told when it would. */
  started(lesson: StartLesson): void {
    this.learnStart(lesson);
    if (this.fresh) keepNewest(this.fresh.starts, lesson);
  }

  /** From now on what is learned here is kept for {@link takeLessons}. */
  keepLessons(): void {
    this.fresh = { attempts: [], starts: [] };
  }

  /** What was learned here since the last call. */
  takeLessons(): Lessons {
    const taken = this.fresh ?? { attempts: [], starts: [] };
    this.keepLessons();
    return taken;
  }

  /** What others have learned. They keep it. */
  learn({ attempts, starts }: Lessons): void {
    for (const lesson of attempts) this.learnAttempt(lesson);
    for (const lesson of starts) this.learnStart(lesson);
  }

  /** Another model may run there from now on: what is known is assumed until it has shown itself. */
  doubt(poolId: string): void {
    this.pools.get(poolId)?.pace.doubt();
    this.hasNews = true;
  }

  /** All that is known, as text to be kept; undefined where nothing was learned since the last call. */
  takeNews(): string | undefined {
    if (!this.hasNews) return undefined;
    this.hasNews = false;
    const pools = [...this.pools].map(([poolId, knowledge]) => snapshotOf(poolId, knowledge));
    return JSON.stringify([VERSION, pools] satisfies Snapshot);
  }

  /** It could not be kept: it is news again. */
  keepForLater(): void {
    this.hasNews = true;
  }

  /** Takes back what was kept; what it cannot read is learned anew. */
  restore(text: string): void {
    for (const [poolId, pace, calibrations] of poolsIn(text)) restoreInto(this.of(poolId), pace, calibrations);
  }

  private learnAttempt({ poolId, measure }: AttemptLesson): void {
    this.of(poolId).pace.observe(measure);
  }

  private learnStart({ poolId = CHOICE, wait, outlook, actualMs, weight }: StartLesson): void {
    this.of(poolId).calibrations[wait].observe(outlook, actualMs, weight);
  }

  private of(poolId: string): PoolKnowledge {
    let known = this.pools.get(poolId);
    if (known && poolId === this.latest) return known;
    if (known) this.pools.delete(poolId);
    else known = newKnowledge();
    this.pools.set(poolId, known);
    this.latest = poolId;
    if (this.pools.size > POOLS_MAX) this.pools.delete(this.pools.keys().next().value as string);
    return known;
  }
}

function keepNewest<T>(lessons: T[], lesson: T): void {
  lessons.push(lesson);
  if (lessons.length > LESSONS_MAX) lessons.shift();
}

function newKnowledge(): PoolKnowledge {
  const [none, next, queued, overtaken] = waits.map(() => new Calibration()) as [
    Calibration,
    Calibration,
    Calibration,
    Calibration,
  ];
  return { pace: new PoolPace(), calibrations: { none, next, queued, overtaken } };
}

function snapshotOf(poolId: string, { pace, calibrations }: PoolKnowledge): KnowledgeSnapshot {
  return [poolId, pace.snapshot(), waits.map(wait => calibrations[wait].snapshot())];
}

function restoreInto(
  { pace, calibrations }: PoolKnowledge,
  keptPace: PaceSnapshot,
  keptCalibrations: readonly CalibrationSnapshot[],
): void {
  pace.restore(keptPace);
  for (const [place, wait] of waits.entries()) {
    const snapshot = keptCalibrations[place];
    if (snapshot) calibrations[wait].restore(snapshot);
  }
}

function poolsIn(text: string): readonly KnowledgeSnapshot[] {
  try {
    const snapshot = JSON.parse(text) as Snapshot | null;
    return snapshot?.[0] === VERSION ? [...snapshot[1]] : [];
  } catch {
    return [];
  }
}
