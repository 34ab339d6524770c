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

/** As JSON, with a version first. */
export type KnowledgeSnapshot = readonly [
  version: typeof VERSION,
  pace: PaceSnapshot,
  calibrations: readonly CalibrationSnapshot[],
];

const VERSION = 1;
/** Pools that are remembered; past that, the one that was used least recently is forgotten. */
const POOLS_MAX = 256;
/** Not the id of a pool: what is learned of tasks that have a choice. */
const CHOICE = '*';

/** What was learned of all pools. */
export class Paces {
  /** In the order of their last use. */
  private readonly pools = new Map<string, PoolKnowledge>();
  private changed = new Set<string>();

  pace(poolId: string): PoolPace {
    return this.of(poolId).pace;
  }

  /** @param poolIds where the task may run */
  calibration(poolIds: readonly string[], wait: Wait): Calibration {
    const [only = CHOICE] = poolIds;
    return this.of(poolIds.length === 1 ? only : CHOICE).calibrations[wait];
  }

  observe(poolId: string, measure: AttemptMeasure): void {
    this.of(poolId).pace.observe(measure);
    this.changed.add(poolId);
  }

  /** Another model may run there from now on: what is known is assumed until it has shown itself. */
  doubt(poolId: string): void {
    this.pools.get(poolId)?.pace.doubt();
    this.changed.add(poolId);
  }

  /** What has changed since the last call, as it is to be kept: by pool, as text. */
  takeChanges(): readonly (readonly [poolId: string, knowledge: string])[] {
    const { changed } = this;
    if (changed.size === 0) return [];
    this.changed = new Set();
    return [...changed, CHOICE].map(poolId => [poolId, JSON.stringify(snapshotOf(this.of(poolId)))]);
  }

  /** Takes back what was kept; what it cannot read is learned anew. */
  restore(poolId: string, text: string): void {
    const snapshot = parse(text);
    if (snapshot) restoreInto(this.of(poolId), snapshot);
  }

  private of(poolId: string): PoolKnowledge {
    let known = this.pools.get(poolId);
    if (known) this.pools.delete(poolId);
    else known = newKnowledge();
    this.pools.set(poolId, known);
    if (this.pools.size > POOLS_MAX) this.pools.delete(this.pools.keys().next().value as string);
    return known;
  }
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

function snapshotOf({ pace, calibrations }: PoolKnowledge): KnowledgeSnapshot {
  return [VERSION, pace.snapshot(), waits.map(wait => calibrations[wait].snapshot())];
}

function restoreInto({ pace, calibrations }: PoolKnowledge, [, paceSnapshot, kept]: KnowledgeSnapshot): void {
  pace.restore(paceSnapshot);
  for (const [place, wait] of waits.entries()) {
    const snapshot = kept[place];
    if (snapshot) calibrations[wait].restore(snapshot);
  }
}

function parse(text: string): KnowledgeSnapshot | undefined {
  try {
    const snapshot = JSON.parse(text) as KnowledgeSnapshot;
    return Array.isArray(snapshot) && snapshot[0] === VERSION ? snapshot : undefined;
  } catch {
    return undefined;
  }
}
