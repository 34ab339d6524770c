/** How far a count may be off, and how fast it grows, a millisecond. */
export interface CountSpread {
  variance: number;
  rate: number;
}

/** Of something whose time is known to the millisecond. */
const SHARPEST = 1;

/** 1 / standard deviation. */
export function sharpnessOf(varianceMs2: number): number {
  return varianceMs2 < 1 ? SHARPEST : 1 / Math.sqrt(varianceMs2);
}

/** Standard deviations past which nothing is left to chance. */
const CERTAIN = 4;
const STEPS_PER_SD = 32;
/** Of the logistic curve that stands for the normal one: a hundredth off at most. */
const STEEPNESS = 1.702;
const chances = Float64Array.from(
  { length: 2 * CERTAIN * STEPS_PER_SD + 2 },
  (_, n) => 1 / (1 + Math.exp(-STEEPNESS * (n / STEPS_PER_SD - CERTAIN))),
);

/** The chance that something has happened which was due so many standard deviations ago. */
export function chanceOf(sds: number): number {
  if (sds >= CERTAIN) return 1;
  if (sds <= -CERTAIN) return 0;
  const place = (sds + CERTAIN) * STEPS_PER_SD;
  const below = Math.floor(place);
  const chance = chances[below] as number;
  return chance + (place - below) * ((chances[below + 1] as number) - chance);
}

/** Adds the doubt about so many slots, each of which was to free so long ago. */
export function addChance(slots: number, sinceMs: number, sharpness: number, into: CountSpread): void {
  const chance = chanceOf(sinceMs * sharpness);
  const doubt = slots * chance * (1 - chance);
  into.variance += doubt;
  into.rate += STEEPNESS * sharpness * doubt;
}
