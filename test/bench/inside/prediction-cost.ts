import 'reflect-metadata';
import { PoolPace } from '../../../src/tasks/prediction/pool-pace';
import { StartPredictor, type Asker, type Rivals } from '../../../src/tasks/prediction/start-predictor';
import type { Station } from '../../../src/tasks/prediction/station';
import { Seeded } from '../../prediction/seeded';

/**
 * What one prediction takes, in microseconds: of many short rounds the quickest, for a machine that does something else only adds.
 *
 * Usage: prediction-cost.ts
 */
export interface PredictionCost {
  readonly name: string;
  readonly us: number;
}

const ROUNDS = 100;
const CALLS = 50;
const WARM_UPS = 5000;
const NOW_MS = 100_000;

const random = new Seeded(1);

/** One whose outputs stop by themselves now and then, which costs most. */
function paceOf(): PoolPace {
  const pace = new PoolPace();
  for (let n = 0; n < 100; n++) {
    const askedTokens = random.whole(10, 200);
    const tokens = Math.max(1, Math.min(askedTokens, Math.round(random.exponential(80))));
    pace.observe({
      promptTokens: 100,
      askedTokens,
      cachedShare: undefined,
      prefillMs: 20,
      decodeMs: 50 * (tokens - 1),
      tokens,
      stoppedByItself: tokens < askedTokens,
      beside: 4,
    });
  }
  return pace;
}

function stationOf(slots: number, isFree: boolean): Station {
  const running = Array.from({ length: isFree ? 0 : slots }, () => {
    const tokens = random.whole(1, 90);
    const firstOutputAtMs = NOW_MS - 50 * tokens;
    return { startedAtMs: firstOutputAtMs - 20, firstOutputAtMs, tokens, promptTokens: 100, askedTokens: 100 };
  });
  const slotsFree = isFree ? slots : 0;
  return { pace: paceOf(), replicas: 1, slotsTotal: slots, slotsFree, slotsReleasing: 0, running };
}

function rivalsOf(stations: readonly number[], tasks: number, comingPerMs = 0): Rivals {
  return { stations, ahead: { tasks, promptTokens: 100 * tasks, askedTokens: 105 * tasks }, comingPerMs };
}

function costOf(
  name: string,
  stations: readonly Station[],
  rivals: readonly Rivals[],
  overtakenForMs = 0,
): PredictionCost {
  const asker: Asker = {
    stations: stations.map((_, index) => index),
    promptTokens: 100,
    askedTokens: 100,
    overtakenForMs,
  };
  const predict = (count: number): void => {
    for (let n = 0; n < count; n++) new StartPredictor(stations, rivals, asker, NOW_MS).predict();
  };
  predict(WARM_UPS);
  let us = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    predict(CALLS);
    us = Math.min(us, ((performance.now() - startMs) * 1000) / CALLS);
  }
  return { name, us };
}

const four = Array.from({ length: 4 }, () => stationOf(4, false));
const costs: readonly PredictionCost[] = [
  costOf('a slot is free', [stationOf(4, true)], []),
  costOf('1 pool of 4 slots, 20 ahead', [stationOf(4, false)], [rivalsOf([0], 20)]),
  costOf('the same, 1,000,000 ahead', [stationOf(4, false)], [rivalsOf([0], 1_000_000)]),
  costOf('the same, of the class that is overtaken', [stationOf(4, false)], [rivalsOf([0], 20, 0.0005)], 30_000),
  costOf('1 pool of 64 slots, 200 ahead', [stationOf(64, false)], [rivalsOf([0], 200)]),
  costOf('4 pools of 4 slots, 20 ahead pinned to each, 20 to none', four, [
    ...four.map((_, index) => rivalsOf([index], 20)),
    rivalsOf([0, 1, 2, 3], 20),
  ]),
];
process.send?.(costs, () => process.exit());
