import { describe, expect, it } from 'vitest';
import { SimulatedQueue, type Simulation } from '../../../test/prediction/simulation';
import { verdictOn, type Told } from '../../../test/prediction/verdict';
import { Forecasts, type Question, type StationView } from './forecasts';
import { Paces } from './paces';

const SEEDS = [1, 2, 3];

function simulated(settings: Omit<Simulation, 'seed'>): readonly Told[] {
  return SEEDS.flatMap(seed => new SimulatedQueue({ ...settings, seed }).run());
}

const isMeasured = ({ basis }: Told): boolean => basis === 'measured';
const busy = { tasks: 400, load: 0.9 } as const;
const pool = (tokensPerSecond: number, slots: number) => ({ tokensPerSecond, slots });

const steady: Record<string, Omit<Simulation, 'seed'>> = {
  '10 tokens/s': { ...busy, pools: [pool(10, 1)] },
  '20 tokens/s': { ...busy, pools: [pool(20, 4)] },
  '60 tokens/s': { ...busy, pools: [pool(60, 4)] },
  '200 tokens/s': { ...busy, pools: [pool(200, 2)] },
  'many slots': { ...busy, pools: [pool(20, 16)] },
  bursts: { ...busy, pools: [pool(20, 4)], burst: 20 },
  'more than the pool can do': { ...busy, load: 1.5, pools: [pool(20, 4)] },
  'four pools, tasks pinned to one': {
    ...busy,
    load: 0.6,
    pools: [pool(10, 4), pool(20, 4), pool(60, 2), pool(200, 1)],
  },
  'four pools, tasks that may use any': {
    ...busy,
    free: 1,
    pools: [pool(10, 4), pool(20, 4), pool(60, 2), pool(200, 1)],
  },
  'two pools, both kinds of task': { ...busy, load: 0.8, free: 0.5, pools: [pool(20, 2), pool(60, 2)] },
  'attempts that slow each other down': { ...busy, pools: [{ ...pool(20, 4), noise: 0.05, slowedBy: 0.15 }] },
  'an uneven pace': { ...busy, pools: [{ ...pool(20, 4), noise: 0.15 }] },
  'two classes': { ...busy, pools: [pool(20, 4)], batch: 0.4 },
};

/** Where outputs stop by themselves, nobody can know the wait much better than this; the range must say so. */
const uneven: Record<string, Omit<Simulation, 'seed'>> = {
  'outputs that stop by themselves': { ...busy, pools: [pool(20, 4)], stopsAround: 80 },
  'outputs that stop, on a single slot': { ...busy, pools: [pool(20, 1)], stopsAround: 80 },
  'outputs that stop, in bursts': { ...busy, tasks: 800, pools: [pool(20, 4)], burst: 20, stopsAround: 80 },
  'outputs that stop, two classes': { ...busy, pools: [pool(20, 4)], batch: 0.4, stopsAround: 80 },
  'outputs that stop, two pools and classes': {
    ...busy,
    load: 0.8,
    pools: [pool(20, 2), pool(60, 2)],
    free: 0.5,
    batch: 0.3,
    stopsAround: 80,
  },
};

describe('Forecasts', () => {
  it.each(Object.entries(steady))('hold, and are close: %s (B-DP-020)', (_, settings) => {
    const { within, medianError } = verdictOn(simulated(settings).filter(isMeasured));
    expect(within).toBeGreaterThan(0.8);
    expect(medianError).toBeLessThan(0.15);
  });

  it.each(Object.entries(steady))('hold at one of two nodes that talk, and are close: %s (B-ND-029)', (_, settings) => {
    const { within, medianError } = verdictOn(simulated({ ...settings, nodes: 'talking' }).filter(isMeasured));
    expect(within).toBeGreaterThan(0.8);
    expect(medianError).toBeLessThan(0.15);
  });

  it('are several times as close where nodes talk as where they know of each other only which slots are taken', () => {
    const errorOf = (nodes: 'talking' | 'silent'): number =>
      verdictOn(simulated({ ...busy, pools: [pool(20, 4)], nodes }).filter(isMeasured)).medianError;
    expect(3 * errorOf('talking')).toBeLessThan(errorOf('silent'));
  });

  it.each(Object.entries(uneven))('hold: %s (B-DP-020)', (_, settings) => {
    const { within, medianWidth } = verdictOn(simulated(settings).filter(isMeasured));
    expect(within).toBeGreaterThan(0.8);
    expect(medianWidth).toBeLessThan(2);
  });

  it('hold while a pool becomes half as fast', () => {
    const told = simulated({ ...busy, tasks: 600, load: 0.45, pools: [pool(20, 4)], slowsAt: 300 });
    expect(verdictOn(told.filter(isMeasured)).within).toBeGreaterThan(0.8);
  });

  it('say that nobody knows until three attempts have ended, and are measured from the first task on after a restart', () => {
    const settings = { ...busy, tasks: 60, pools: [pool(20, 2)] };
    const cold = new SimulatedQueue({ ...settings, seed: 4 });
    const first = cold.run();
    expect(first.slice(0, 3).map(({ basis }) => basis)).toEqual(['assumed', 'assumed', 'assumed']);
    expect(first.filter(isMeasured).length).toBeGreaterThan(40);
    const paces = new Paces();
    paces.restore(cold.paces.takeNews() ?? '');
    const warm = new SimulatedQueue({ ...settings, seed: 5 }, paces).run();
    expect(warm.every(isMeasured)).toBe(true);
    expect(verdictOn(warm).within).toBeGreaterThan(0.8);
  });
});

const question: Question = {
  stations: [0],
  promptTokens: 10,
  askedTokens: 100,
  overtakenForMs: 0,
  isHeldUp: false,
};
const idle: StationView = { poolId: 'a', replicas: 1, slotsTotal: 2, slotsFree: 2, slotsReleasing: 0, running: [] };

function known(): Forecasts {
  const paces = new Paces();
  const attempt = { promptTokens: 10, askedTokens: 100, cachedShare: undefined, stoppedByItself: false, beside: 1 };
  for (let n = 0; n < 5; n++) paces.observe('a', { ...attempt, prefillMs: 5, decodeMs: 990, tokens: 100 });
  return new Forecasts(paces);
}

describe('a forecast', () => {
  it('is always a number, also where no pool is ready, and grows with what waits for none as well', () => {
    const ahead = { tasks: 3, promptTokens: 30, askedTokens: 300 };
    const nowhere = { ...question, stations: [] };
    const first = known().make(nowhere, [], [], 0);
    const fourth = known().make(nowhere, [], [{ stations: [], ahead, comingPerMs: 0 }], 0);
    expect(first.basis).toBe('assumed');
    expect(first.startMs).toBeGreaterThan(0);
    expect(fourth.startMs).toBeGreaterThan(first.startMs + 3000);
    expect(fourth.earliestMs).toBeLessThan(fourth.startMs / 5);
    expect(fourth.latestMs).toBeGreaterThan(fourth.startMs * 5);
  });

  it('is assumed where something has to happen first of which nobody knows how long it takes', () => {
    expect(known().make(question, [idle], [], 0).basis).toBe('measured');
    expect(known().make({ ...question, isHeldUp: true }, [idle], [], 0).basis).toBe('assumed');
  });

  it('does not count those who are pinned elsewhere', () => {
    const full = { ...idle, slotsFree: 0 };
    const elsewhere = { stations: [1], ahead: { tasks: 500, promptTokens: 0, askedTokens: 50_000 }, comingPerMs: 0 };
    const alone = known().make(question, [full, { ...full, poolId: 'b' }], [], 0);
    expect(known().make(question, [full, { ...full, poolId: 'b' }], [elsewhere], 0)).toEqual(alone);
    expect(alone.basis).toBe('measured');
  });
});
