import { describe, expect, it } from 'vitest';
import { Seeded } from '../../../test/prediction/seeded';
import { PoolPace } from './pool-pace';
import type { RunningAttempt, Station } from './station';
import { StartPredictor, type Asker, type Outlook, type Rivals } from './start-predictor';

const MS_PER_TOKEN = 50;
const nowMs = 100_000;

/** A pool on which 100 tokens take 100 · 50 ms, and a prefill next to nothing. */
function paceOf(msPerToken = MS_PER_TOKEN): PoolPace {
  const pace = new PoolPace();
  for (let n = 0; n < 50; n++)
    pace.observe({
      promptTokens: 10,
      askedTokens: 100,
      cachedShare: undefined,
      prefillMs: 1,
      decodeMs: 99 * msPerToken,
      tokens: 100,
      stoppedByItself: false,
      beside: 1,
    });
  return pace;
}

/** One that still needs so many tokens. */
function running(left: number, msPerToken = MS_PER_TOKEN): RunningAttempt {
  const tokens = 100 - left;
  const firstOutputAtMs = nowMs - (tokens - 1) * msPerToken;
  return { startedAtMs: firstOutputAtMs - 1, firstOutputAtMs, tokens, promptTokens: 10, askedTokens: 100 };
}

function station(left: readonly number[], slotsFree = 0, msPerToken = MS_PER_TOKEN): Station {
  const attempts = left.map(tokens => running(tokens, msPerToken));
  return {
    pace: paceOf(msPerToken),
    replicas: 1,
    slotsTotal: left.length + slotsFree,
    slotsFree,
    slotsReleasing: 0,
    running: attempts,
  };
}

function ahead(stations: readonly number[], tasks: number, askedTokens = 100, comingPerMs = 0): Rivals {
  return { stations, ahead: { tasks, promptTokens: 10 * tasks, askedTokens: askedTokens * tasks }, comingPerMs };
}

function outlook(stations: readonly Station[], rivals: readonly Rivals[], more: Partial<Asker> = {}): Outlook {
  const asker = { stations: [0], promptTokens: 10, askedTokens: 100, overtakenForMs: 0, ...more };
  return new StartPredictor(stations, rivals, asker, nowMs).predict();
}

const startMs = (...args: Parameters<typeof outlook>): number => outlook(...args).startMs;

describe('StartPredictor', () => {
  it('starts at once where a slot is free and nobody waits for it', () => {
    expect(outlook([station([50], 1)], [])).toMatchObject({ atOnce: true, isMeasured: true });
    expect(startMs([station([50], 1)], [])).toBeLessThan(10);
    expect(outlook([station([50], 1)], [ahead([0], 1)]).atOnce).toBe(false);
  });

  it('waits for the first slot that frees, by the tokens that its task still wants', () => {
    expect(startMs([station([80, 20, 50])], [])).toBeCloseTo(20 * MS_PER_TOKEN, -2);
  });

  it('waits for all that goes before, by the tokens that they ask for', () => {
    expect(startMs([station([40])], [ahead([0], 3)]) / MS_PER_TOKEN).toBeCloseTo(40 + 3 * 100, -1);
    expect(startMs([station([40])], [ahead([0], 3, 20)]) / MS_PER_TOKEN).toBeCloseTo(40 + 3 * 20, -1);
    const two = startMs([station([10, 60])], [ahead([0], 4)]) / MS_PER_TOKEN;
    expect(two).toBeCloseTo(210, -1);
  });

  it('carries on what was told a while ago: by its own pace, through its prefill by that of its pool, and past its end with what follows it', () => {
    const asOfMs = nowMs - 1500;
    const told = (tokens: number, msPerToken: number, more: Partial<RunningAttempt> = {}): RunningAttempt => ({
      ...running(100 - tokens, msPerToken),
      startedAtMs: asOfMs - tokens * msPerToken,
      firstOutputAtMs: asOfMs - (tokens - 0.5) * msPerToken,
      asOfMs,
      ...more,
    });
    const start = (attempt: RunningAttempt): number => startMs([{ ...station([1]), running: [attempt] }], []);
    // 40 tokens then, 1,500 ms ago: 70 by now.
    expect(start(told(40, MS_PER_TOKEN))).toBeCloseTo(30 * MS_PER_TOKEN, -2);
    // Twice as fast as its pool, and its word is some evidence of how fast that is.
    const [fast, usual] = [start(told(40, MS_PER_TOKEN / 2)), start(told(40, MS_PER_TOKEN))];
    expect(fast).toBeLessThan(5 * MS_PER_TOKEN);
    expect(fast).toBeLessThan(usual / 4);
    // Nothing was out yet: by now the 1 ms of its prefill is over, and the rest of the time went into tokens.
    const silent = { firstOutputAtMs: undefined, tokens: 0 };
    expect(start(told(0, MS_PER_TOKEN, { ...silent, startedAtMs: asOfMs }))).toBeCloseTo(70 * MS_PER_TOKEN, -2);
    // 5 tokens later it has ended; its slot is held, so another task of 100 has had it for the time of 25.
    expect(start(told(95, MS_PER_TOKEN))).toBeCloseTo(75 * MS_PER_TOKEN, -2);
    // An attempt of ours that has shown the same stands where it stands.
    expect(start(running(60))).toBeCloseTo(60 * MS_PER_TOKEN, -2);
  });

  it('takes the queue through any length, at the same cost', () => {
    const slots = Array.from({ length: 4 }, (_, n) => 25 * (n + 1));
    for (const tasks of [100, 10_000, 1_000_000]) {
      const perTask = startMs([station(slots)], [ahead([0], tasks)]) / tasks;
      expect(perTask / (25 * MS_PER_TOKEN)).toBeCloseTo(1, 1);
    }
  });

  it('shares the slots of all stations that those before may use as well', () => {
    const stations = [station([50]), station([50])];
    const both = startMs(stations, [ahead([0, 1], 20)], { stations: [0, 1] });
    expect(both / MS_PER_TOKEN).toBeCloseTo(50 + 10 * 100, -2);
    // Pinned to one of the two: the others use both, and are ahead on it.
    const pinned = startMs(stations, [ahead([0, 1], 20)]);
    expect(pinned / MS_PER_TOKEN).toBeCloseTo(50 + 10 * 100, -2);
  });

  it('lets those with a choice go where the others are not', () => {
    const stations = [station([50]), station([50])];
    const crowded = startMs(stations, [ahead([0], 30), ahead([0, 1], 10)], { stations: [1] });
    expect(crowded / MS_PER_TOKEN).toBeCloseTo(50 + 10 * 100, -2);
    const chooses = startMs(stations, [ahead([0], 30)], { stations: [0, 1] });
    expect(chooses / MS_PER_TOKEN).toBeCloseTo(50, -1);
  });

  it('measures each pool by its own pace', () => {
    const slow = startMs([station([50], 0, 100)], [ahead([0], 2)]);
    const fast = startMs([station([50], 0, 5)], [ahead([0], 2)]);
    expect(slow / fast).toBeGreaterThan(15);
  });

  it('waits longer where newcomers go before it, for as long as they do', () => {
    const stations = [station([50])];
    const alone = startMs(stations, [ahead([0], 4)]);
    const half = 0.5 / (100 * MS_PER_TOKEN);
    const overtaken = startMs(stations, [ahead([0], 4, 100, half)], { overtakenForMs: 1e9 });
    expect(overtaken / alone).toBeCloseTo(2, 0);
    const briefly = startMs(stations, [ahead([0], 4, 100, half)], { overtakenForMs: 10_000 });
    expect(briefly - alone).toBeGreaterThan(3000);
    expect(briefly - alone).toBeLessThan(7000);
  });

  it('ends where more comes than the pool can do, when the precedence of newcomers does', () => {
    const flood = 3 / (100 * MS_PER_TOKEN);
    const flooded = startMs([station([50])], [ahead([0], 1, 100, flood)], { overtakenForMs: 60_000 });
    expect(flooded).toBeGreaterThan(150_000);
    expect(flooded).toBeLessThan(250_000);
  });

  it('sees in what runs now that a pool has become slower', () => {
    const slowed = { ...station([50, 50, 50, 50]), running: [90, 80, 70, 60].map(left => running(left, 150)) };
    expect(startMs([slowed], [])).toBeGreaterThan(1.2 * 60 * MS_PER_TOKEN);
  });

  it('counts the slots that others use, for as long as a task of ours would', () => {
    const others = { ...station([]), slotsTotal: 1 };
    expect(startMs([others], [])).toBeCloseTo(50 * MS_PER_TOKEN, -3);
  });

  it('expects a slot soon that its engine is still to let go', () => {
    const releasing = { ...station([]), slotsTotal: 1, slotsReleasing: 1 };
    expect(startMs([releasing], [])).toBeGreaterThan(200);
    expect(startMs([releasing], [])).toBeLessThan(1000);
  });

  it('is never later than all that goes before, done one after the other on the slots that there are', () => {
    const random = new Seeded(3);
    for (let n = 0; n < 3000; n++) {
      const stations = Array.from({ length: random.whole(1, 3) }, () =>
        station(
          Array.from({ length: random.whole(1, 12) }, () => random.whole(1, 99)),
          0,
          random.whole(1, 3) * 40,
        ),
      );
      const all = stations.map((_, index) => index);
      const tasks = random.whole(0, 40);
      const rivals = [...all.map(index => ahead([index], random.whole(0, 10))), ahead(all, tasks)];
      const most = Math.max(
        ...stations.map(({ slotsTotal }, index) => {
          const waiting = tasks + (rivals[index]?.ahead.tasks ?? 0);
          return (Math.ceil((waiting + 1) / slotsTotal) + 1) * 100 * 120;
        }),
      );
      const start = startMs(stations, rivals, { stations: all });
      expect(start).toBeGreaterThan(0);
      expect(start, JSON.stringify({ n, most })).toBeLessThan(1.2 * most);
    }
  });

  it('is as sure as its pools were alike, and says where one was not measured', () => {
    const steady = outlook([station([50])], [ahead([0], 4)]);
    expect(steady.sdMs / steady.startMs).toBeLessThan(0.1);
    const unknown: Station = { ...station([50]), pace: new PoolPace() };
    const guess = outlook([unknown], [ahead([0], 4)]);
    expect(guess.isMeasured).toBe(false);
    expect(guess.sdMs / guess.startMs).toBeGreaterThan(0.3);
    expect(outlook([station([50]), unknown], [ahead([0, 1], 1)]).isMeasured).toBe(false);
  });
});
