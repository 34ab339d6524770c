import type { PredictedStart } from '../task/task';
import { competitionFor } from './competition';
import type { Paces, Wait } from './paces';
import { PoolPace } from './pool-pace';
import type { RunningAttempt, Station } from './station';
import { StartPredictor, type Asker, type Outlook, type Rivals } from './start-predictor';

/** A station as its pool shows it; what is known of its pace is looked up. */
export interface StationView extends Omit<Station, 'pace'> {
  readonly poolId: string;
}

/** A task that asks when it will start. */
export interface Question {
  /** The stations that it may use, as indexes; empty where none is ready. */
  readonly stations: readonly number[];
  readonly promptTokens: number;
  readonly askedTokens: number;
  /** From now on: as long as newcomers go before it. */
  readonly overtakenForMs: number;
  /** Something has to happen first of which nobody knows how long it takes. */
  readonly isHeldUp: boolean;
}

/** What a client is told, in milliseconds from now. */
export interface Forecast extends PredictedStart {
  readonly startMs: number;
  /** What it is judged by when the task starts; undefined where it was a guess. */
  readonly claim?: Claim;
}

interface Claim {
  readonly outlook: Outlook;
  readonly madeAtMs: number;
  readonly poolIds: readonly string[];
  readonly wait: Wait;
  /** Less for a place far back: all who wait behind the same tasks are off for the same reason. */
  readonly weight: number;
}

/** An assumed start may be off by this factor, either way. */
const ASSUMED_FACTOR = 10;

/** Tells when tasks will start, and learns from when they did. */
export class Forecasts {
  constructor(private readonly paces: Paces) {}

  /** @param others everybody who waits or is about to come, by the stations they may use; those that do not compete do no harm */
  make(question: Question, stations: readonly StationView[], others: readonly Rivals[], nowMs: number): Forecast {
    if (question.stations.length === 0) return assumed(this.unready(question, others, nowMs));
    const { stations: reach, rivals, own } = competitionFor(question.stations, others);
    const poolIds = [...new Set(question.stations.map(index => stations[index]?.poolId ?? ''))];
    const competing = reach.map((index): Station => {
      const view = stations[index] as StationView;
      return new PacedStation(this.paces.pace(view.poolId), view);
    });
    const outlook = new StartPredictor(competing, rivals, askerOf(question, own), nowMs).predict();
    const ahead = rivals.reduce((sum, { ahead: { tasks } }) => sum + tasks, 0);
    const wait = waitOf(outlook, ahead, question.overtakenForMs);
    const told = this.paces.calibration(poolIds, wait).tell(outlook);
    if (!outlook.isMeasured || question.isHeldUp) return assumed(told.startMs);
    const slots = competing.reduce((sum, { slotsTotal }) => sum + slotsTotal, 0);
    const weight = Math.min(1, slots / Math.max(1, ahead));
    const { startMs, earliestMs, latestMs } = told;
    const claim = { outlook, madeAtMs: nowMs, poolIds, wait, weight };
    return { startMs, earliestMs, latestMs, basis: 'measured', claim };
  }

  /** The task has shown its first output. */
  started({ claim }: Forecast, nowMs: number): void {
    if (!claim) return;
    const { outlook, madeAtMs, poolIds, wait, weight } = claim;
    const { startMs, sdMs } = outlook;
    const poolId = poolIds.length === 1 ? poolIds[0] : undefined;
    this.paces.started({ poolId, wait, outlook: { startMs, sdMs }, actualMs: nowMs - madeAtMs, weight });
  }

  /** As if a single slot of an unknown pool came free now: no pool that the task may use is ready. */
  private unready(question: Question, others: readonly Rivals[], nowMs: number): number {
    const nobody = { pace: new PoolPace(), replicas: 1, slotsTotal: 1, slotsFree: 1, slotsReleasing: 0, running: [] };
    const rivals = others
      .filter(({ stations }) => stations.length === 0)
      .map(({ ahead }) => ({ stations: [0], ahead, comingPerMs: 0 }));
    return new StartPredictor([nobody], rivals, askerOf(question, [0]), nowMs).predict().startMs;
  }
}

function askerOf({ promptTokens, askedTokens, overtakenForMs }: Question, stations: readonly number[]): Asker {
  return { stations, promptTokens, askedTokens, overtakenForMs };
}

class PacedStation implements Station {
  readonly replicas: number;
  readonly slotsTotal: number;
  readonly slotsFree: number;
  readonly slotsReleasing: number;

  constructor(
    readonly pace: PoolPace,
    private readonly view: StationView,
  ) {
    this.replicas = view.replicas;
    this.slotsTotal = view.slotsTotal;
    this.slotsFree = view.slotsFree;
    this.slotsReleasing = view.slotsReleasing;
  }

  /** Gathered when it is asked for. */
  get running(): readonly RunningAttempt[] {
    return this.view.running;
  }
}

/** As it is told: whole milliseconds, the range not made smaller by that. */
export function toldOf({ startMs, earliestMs, latestMs, basis }: Forecast): {
  readonly predictedStartMs: number;
  readonly predictedStart: PredictedStart;
} {
  return {
    predictedStartMs: Math.round(startMs),
    predictedStart: { earliestMs: Math.floor(earliestMs), latestMs: Math.ceil(latestMs), basis },
  };
}

function assumed(startMs: number): Forecast {
  return {
    startMs,
    earliestMs: startMs / ASSUMED_FACTOR,
    latestMs: startMs * ASSUMED_FACTOR,
    basis: 'assumed',
  };
}

function waitOf({ atOnce }: Outlook, ahead: number, overtakenForMs: number): Wait {
  if (atOnce) return 'none';
  if (overtakenForMs > 0) return 'overtaken';
  return ahead === 0 ? 'next' : 'queued';
}
