import type { CountSpread } from './chance';
import { ReleaseCurve } from './release-curve';
import type { Station, Work } from './station';

/** Tasks that may all use the same stations. */
export interface Rivals {
  /** Indexes into the stations. */
  readonly stations: readonly number[];
  /** Those that go before the one that asks. */
  readonly ahead: Work;
  /** Tasks a millisecond that come later and go before it all the same. */
  readonly comingPerMs: number;
}

export interface Asker {
  /** At least one. */
  readonly stations: readonly number[];
  readonly promptTokens: number;
  readonly askedTokens: number;
  /** From now on: as long as newcomers go before it. */
  readonly overtakenForMs: number;
}

/** What the model says, before {@link Calibration} makes of it what is told. */
export interface Outlook {
  /** From now to the first output. */
  readonly startMs: number;
  readonly sdMs: number;
  /** A slot is free for it now. */
  readonly atOnce: boolean;
  /** Every pool that it stands on was measured. */
  readonly isMeasured: boolean;
}

/** Newcomers of about this long make up their rate. */
export const RATE_MEMORY_MS = 30_000;

/** A task starts when the slot that it gets is more likely free than not. */
const HALF_A_SLOT = 0.5;
const YEAR_MS = 365 * 86_400_000;
/** Attempts looked at in all, and at least of each station: bounds what one prediction costs. */
const SAMPLE = 128;
const LEAST_SAMPLE = 4;
/** Of a search. It ends earlier, as soon as it is as exact as this; where others will be comes less exactly. */
const STEPS = 60;
/** How much farther than it has come a search goes at once. */
const FARTHEST = 8;
const EXACT_MS = 0.2;
const EXACT = 1e-3;
const ROUGHLY = 0.02;
/** Nothing here is known better: timers, syncs of the journal, one more hop. */
const LEAST_SD_MS = 1;
const LEAST_RELATIVE_SD = 0.01;

/** When a task will start, from what holds the slots that it may use and what else waits for them. */
export class StartPredictor {
  /** Made when one is asked for: a task that finds a slot free needs none. */
  private readonly curves: (ReleaseCurve | undefined)[] = [];
  /** Of each station: slots that go to those before. */
  private readonly taken: number[];

  /**
   * @param stations all that compete, directly or through others
   * @param rivals those with the least choice first
   */
  constructor(
    private readonly stations: readonly Station[],
    private readonly rivals: readonly Rivals[],
    private readonly asker: Asker,
    private readonly nowMs: number,
  ) {
    this.taken = stations.map(() => 0);
  }

  predict(): Outlook {
    const { asker, stations } = this;
    this.placeRivals();
    const slotMs = this.timeOf(asker.stations, HALF_A_SLOT, EXACT, this.newcomersPerMs());
    const prefills = asker.stations.map(index => (stations[index] as Station).pace.prefillOf(asker.promptTokens));
    const prefill = prefills.reduce((least, one) => (one.meanMs < least.meanMs ? one : least));
    return {
      startMs: slotMs + prefill.meanMs,
      sdMs: LEAST_SD_MS + Math.sqrt(prefill.varianceMs2 + this.slotVariance(slotMs)),
      atOnce: slotMs === 0,
      isMeasured: stations.every(({ pace }) => pace.isMeasured),
    };
  }

  private curve(index: number): ReleaseCurve {
    const { stations, rivals, asker, nowMs } = this;
    const sample = Math.max(LEAST_SAMPLE, Math.floor(SAMPLE / stations.length));
    return (this.curves[index] ??= new ReleaseCurve(
      stations[index] as Station,
      nowMs,
      queuedFor(index, rivals, asker),
      sample,
    ));
  }

  /** Gives slots to all that go before: those with a choice level out what the others leave. */
  private placeRivals(): void {
    const { taken } = this;
    for (const { stations, ahead } of this.rivals) {
      if (ahead.tasks === 0) continue;
      if (stations.length === 1) {
        const [only = 0] = stations;
        taken[only] = (taken[only] ?? 0) + ahead.tasks;
        continue;
      }
      const untilMs = this.timeOf(stations, ahead.tasks, ROUGHLY);
      const shares = stations.map(index => this.leftAt(index, untilMs));
      // Several may free at the same time, and then more than there are tasks.
      const scale = ahead.tasks / Math.max(ahead.tasks, sumOf(shares));
      for (const [place, index] of stations.entries())
        taken[index] = (taken[index] ?? 0) + scale * (shares[place] ?? 0);
    }
  }

  /** Newcomers that take slots which the asker may use, by the share that these are of all they may use. */
  private newcomersPerMs(): number {
    let perMs = 0;
    if (this.asker.overtakenForMs <= 0) return 0;
    for (const { stations, comingPerMs } of this.rivals) {
      if (comingPerMs > 0) perMs += comingPerMs * this.sharedBy(stations);
    }
    return perMs;
  }

  private sharedBy(stations: readonly number[]): number {
    let [shared, all] = [0, 0];
    for (const index of stations) {
      const pace = (this.stations[index]?.slotsTotal ?? 0) / this.curve(index).roundMs;
      all += pace;
      if (this.asker.stations.includes(index)) shared += pace;
    }
    return all > 0 ? shared / all : 0;
  }

  private leftAt(index: number, untilMs: number): number {
    return Math.max(0, this.curve(index).at(untilMs) - (this.taken[index] ?? 0));
  }

  /**
   * When so many slots of these stations have freed that others do not take; 0 where they are free now.
   * @param newcomersPerMs slots that go to newcomers, for as long as they go before the asker
   */
  private timeOf(stations: readonly number[], slots: number, exact: number, newcomersPerMs = 0): number {
    if (this.freeAt(stations) >= slots) return 0;
    const missing = (untilMs: number): number => {
      let [left, most] = [0, -Infinity];
      for (const index of stations) {
        const one = this.curve(index).at(untilMs) - (this.taken[index] ?? 0);
        if (one > 0) left += one;
        if (one > most) most = one;
      }
      // Where others still lack slots at every station, how many at the best one: a search must see that it comes nearer.
      return slots + newcomersPerMs * Math.min(untilMs, this.asker.overtakenForMs) - (left > 0 ? left : most);
    };
    const atFirst = missing(0);
    if (atFirst <= 0) return 0;
    return firstZero(missing, atFirst, this.curve(stations[0] as number).roundMs, exact);
  }

  /** Slots that are free now and that others do not take. */
  private freeAt(stations: readonly number[]): number {
    let free = 0;
    for (const index of stations) {
      const left = (this.stations[index] as Station).slotsFree - (this.taken[index] ?? 0);
      if (left > 0) free += left;
    }
    return free;
  }

  private slotVariance(slotMs: number): number {
    if (slotMs === 0) return 0;
    const newcomersPerMs = slotMs < this.asker.overtakenForMs ? this.newcomersPerMs() : 0;
    const spread: CountSpread = { variance: this.newcomersVariance(slotMs), rate: 0 };
    let doubt = 0;
    for (const index of this.asker.stations) {
      const curve = this.curve(index);
      curve.addSpread(slotMs, spread);
      doubt = Math.max(doubt, curve.doubt);
    }
    // What newcomers leave; where that is next to nothing, the end of their precedence bounds it.
    const rate = Math.max(spread.rate - newcomersPerMs, spread.rate / 5);
    const ofCount = rate > 0 ? spread.variance / rate ** 2 : 0;
    return ofCount + ((LEAST_RELATIVE_SD + doubt) * slotMs) ** 2;
  }

  /** They come at random, at a rate that is known from those of the last while. */
  private newcomersVariance(slotMs: number): number {
    const perMs = this.newcomersPerMs();
    const coming = perMs * Math.min(slotMs, this.asker.overtakenForMs);
    return coming + coming ** 2 / (perMs * RATE_MEMORY_MS + 1);
  }
}

/** What waits for a station; where nothing does, the asker itself stands for the tasks to come. */
function queuedFor(index: number, rivals: readonly Rivals[], { promptTokens, askedTokens }: Asker): Work {
  const queued = { tasks: 0, promptTokens: 0, askedTokens: 0 };
  for (const { stations, ahead } of rivals) {
    if (ahead.tasks === 0 || !stations.includes(index)) continue;
    queued.tasks += ahead.tasks;
    queued.promptTokens += ahead.promptTokens;
    queued.askedTokens += ahead.askedTokens;
  }
  return queued.tasks > 0 ? queued : { tasks: 1, promptTokens, askedTokens };
}

/**
 * Where a falling function, positive at 0, becomes zero. Between two bounds by regula falsi, half of a bound's value forgotten when it
 * stays (Illinois); by the middle wherever that has not halved the distance, for flat stretches defeat the line between the bounds.
 */
function firstZero(missing: (ms: number) => number, atFirst: number, stepMs: number, exact: number): number {
  let [low, above] = [0, atFirst];
  let high = stepMs;
  let below = missing(high);
  while (below > 0 && high < YEAR_MS) {
    // As far as the pace so far says, which on a flat stretch says nothing: never much farther than it has come.
    const wantedMs = (1.1 * below * (high - low)) / Math.max(above - below, 1e-9);
    [low, above] = [high, below];
    high = Math.min(YEAR_MS, high + Math.min(Math.max(high, wantedMs), FARTHEST * high));
    below = missing(high);
  }
  let kept = 0;
  let byMiddle = false;
  for (let step = 0; step < STEPS && high - low > EXACT_MS + exact * high; step++) {
    const distance = high - low;
    const at = byMiddle ? low + distance / 2 : low + (distance * above) / (above - below);
    const value = missing(at);
    if (Math.abs(value) < exact) return at;
    if (value > 0) {
      [low, above] = [at, value];
      if (kept === 1) below /= 2;
      kept = 1;
    } else {
      [high, below] = [at, value];
      if (kept === -1) above /= 2;
      kept = -1;
    }
    byMiddle = !byMiddle && high - low > distance / 2;
  }
  return high;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
