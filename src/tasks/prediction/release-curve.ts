import { addChance, chanceOf, sharpnessOf, type CountSpread } from './chance';
import type { Span } from './pool-pace';
import { sampleOf } from './sample';
import { StationPace, type Station, type Work } from './station';

/** Rounds of a slot that are followed one by one, where they differ little; after that releases come evenly. */
const ROUNDS_MAX = 8;
/** Until an engine notices that nobody listens: a second at most, where it is asked to look. */
const RELEASE: Span = { meanMs: 500, varianceMs2: 250 ** 2 };
/** Relative variance of the time of so many rounds after which they come evenly as well. */
const EVEN_VARIANCE = 0.7;

/**
 * How many slots of a station will have become free for those who wait, by any time from now, as long as somebody waits. A slot frees
 * when what runs on it ends, and from then on again and again, each time after a task of the queue's mean size.
 */
export class ReleaseCurve {
  /** Mean time that a queued task holds its slot. */
  readonly roundMs: number;
  /** Relative standard deviation of that mean: off for everything that waits, if it is. */
  readonly doubt: number;
  private readonly roundVariance: number;
  /** Rounds after which releases come evenly. */
  private readonly evenAfter: number;
  /** Of the time of n rounds, what runs now included: 1 / standard deviation. */
  private readonly sharpness: readonly number[];
  /** Of each slot that is looked at: when what runs on it ends, 1 / standard deviation of that, and how many slots it stands for. */
  private readonly endMs: number[] = [];
  private readonly endSharpness: number[] = [];
  private readonly endSlots: number[] = [];

  /**
   * @param queued what waits for this station, for the size of a task in it
   * @param sample of more attempts than this, an even sample stands for all
   */
  constructor(
    private readonly station: Station,
    nowMs: number,
    queued: Work,
    sample: number,
  ) {
    const { running, slotsTotal, slotsFree, slotsReleasing } = station;
    const looked = sampleOf(running, sample);
    const pace = new StationPace(station, looked, nowMs);
    const askedTokens = queued.askedTokens / queued.tasks;
    const round = pace.spanOf(queued.promptTokens / queued.tasks, askedTokens);
    this.roundMs = Math.max(1, round.meanMs);
    this.doubt = pace.doubtOf(askedTokens);
    this.roundVariance = round.varianceMs2;
    const variation = round.varianceMs2 / this.roundMs ** 2;
    this.evenAfter = Math.min(ROUNDS_MAX, EVEN_VARIANCE / variation);
    const endVariance = looked.map(attempt => this.addEnd(pace.leftOf(attempt, round), running.length / looked.length));
    if (slotsReleasing > 0) endVariance.push(this.addEnd(RELEASE, slotsReleasing));
    // Of what somebody else runs nobody knows what it is, nor since when: half of what one of ours takes, more or less.
    const foreign = slotsTotal - slotsFree - slotsReleasing - running.length;
    if (foreign > 0)
      endVariance.push(this.addEnd({ meanMs: this.roundMs / 2, varianceMs2: this.roundMs ** 2 / 12 }, foreign));
    const typical = endVariance.reduce((sum, one) => sum + one, 0) / Math.max(1, endVariance.length);
    this.sharpness = Array.from({ length: ROUNDS_MAX + ROUNDS_BEYOND + 2 }, (_, n) =>
      sharpnessOf(typical + n * round.varianceMs2),
    );
  }

  /** Slots freed by then, those included that are free now. */
  at(untilMs: number): number {
    const { slotsFree } = this.station;
    let later = slotsFree > 0 ? slotsFree * (1 + this.rounds(untilMs)) : 0;
    for (let index = 0; index < this.endMs.length; index++) {
      const sinceMs = untilMs - (this.endMs[index] as number);
      const chance = chanceOf(sinceMs * (this.endSharpness[index] as number));
      if (chance > 0) later += (this.endSlots[index] as number) * (chance + this.rounds(sinceMs));
    }
    return later;
  }

  /** Adds how far that number may be off, and its growth just then. */
  addSpread(untilMs: number, into: CountSpread): void {
    this.addRounds(this.station.slotsFree, untilMs, into);
    for (let index = 0; index < this.endMs.length; index++) {
      const sinceMs = untilMs - (this.endMs[index] as number);
      const slots = this.endSlots[index] as number;
      addChance(slots, sinceMs, this.endSharpness[index] as number, into);
      this.addRounds(slots, sinceMs, into);
    }
  }

  /** How many rounds a slot has done since its first release. */
  private rounds(sinceMs: number): number {
    if (sinceMs <= 0) return 0;
    const mean = sinceMs / this.roundMs;
    if (mean > this.evenAfter) return Math.max(0, mean + (this.roundVariance / this.roundMs ** 2 - 1) / 2);
    let count = 0;
    for (let n = 1; n <= mean + ROUNDS_BEYOND; n++)
      count += chanceOf((sinceMs - n * this.roundMs) * (this.sharpness[n] as number));
    return count;
  }

  private addRounds(slots: number, sinceMs: number, into: CountSpread): void {
    if (sinceMs <= 0 || slots === 0) return;
    const mean = sinceMs / this.roundMs;
    if (mean > this.evenAfter) {
      into.variance += slots * Math.max((this.roundVariance / this.roundMs ** 2) * mean, 1 / 12);
      into.rate += slots / this.roundMs;
      return;
    }
    for (let n = 1; n <= mean + ROUNDS_BEYOND; n++)
      addChance(slots, sinceMs - n * this.roundMs, this.sharpness[n] as number, into);
  }

  private addEnd({ meanMs, varianceMs2 }: Span, slots: number): number {
    this.endMs.push(meanMs);
    this.endSlots.push(slots);
    this.endSharpness.push(sharpnessOf(varianceMs2));
    return varianceMs2;
  }
}

/** Rounds still to come that may have ended already, by chance. */
const ROUNDS_BEYOND = 2;
