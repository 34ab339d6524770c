/** A trend as it is kept over a restart. */
export type TrendSnapshot = readonly [
  weight: number,
  meanX: number,
  meanY: number,
  varianceX: number,
  covariance: number,
  spread: number,
];

/** Observations that count: a change of pace is followed within some twenty. */
const MEMORY = 20;
/** Beyond so many standard deviations an observation pulls no harder: one that was stopped for a minute is not the pace. */
const OUTLIER_SDS = 4;
/** Of the value itself: nothing is known better than this when it comes to telling outliers. */
const LEAST_RELATIVE_SD = 0.1;
/** Observations before there is anything to be an outlier of. */
const OUTLIERS_AFTER = 5;

/**
 * The line y = a + b·x through what was observed, the newer counting more, and how far observations are from it. Outliers are
 * cut, and a cut one widens the spread, so that a true change is followed faster and faster. O(1) an observation.
 */
export class Trend {
  private weight = 0;
  private meanX = 0;
  private meanY = 0;
  private varianceX = 0;
  private covariance = 0;
  /** Variance of the observations around what was expected of them before they came. */
  private spread = 0;

  /** How many observations it stands on; at most some {@link MEMORY} count. */
  get evidence(): number {
    return this.weight;
  }

  /** @param weight less than 1 for an observation that says little */
  observe(x: number, y: number, weight = 1): void {
    const expected = this.at(x);
    const most =
      this.weight < OUTLIERS_AFTER
        ? Infinity
        : OUTLIER_SDS * Math.max(Math.sqrt(this.spread), LEAST_RELATIVE_SD * Math.abs(expected));
    const surprise = Math.min(most, Math.max(-most, y - expected));
    const [dx, dy] = [x - this.meanX, expected + surprise - this.meanY];
    const share = weight / Math.min(this.weight + weight, MEMORY);
    if (this.weight > 0) this.spread += share * (surprise * surprise - this.spread);
    this.weight = Math.min(this.weight + weight, MEMORY);
    this.meanX += share * dx;
    this.meanY += share * dy;
    this.varianceX = (1 - share) * (this.varianceX + share * dx * dx);
    this.covariance = (1 - share) * (this.covariance + share * dx * dy);
  }

  /** What to expect at `x`; never below a tenth of the mean, wherever the line leads. */
  at(x: number): number {
    const y = this.meanY + this.slope * (x - this.meanX);
    return Math.max(y, this.meanY / 10);
  }

  /** Standard deviation of one more observation: what was seen, widened while that was little. */
  get sd(): number {
    if (this.weight === 0) return 0;
    const little = 1 / this.weight;
    return Math.sqrt(this.spread * (1 + little) + (this.meanY * little) ** 2 / 4);
  }

  /** Standard deviation of the line itself: what observations share, however many there will be. */
  get sdOfMean(): number {
    return this.weight === 0 ? 0 : this.sd / Math.sqrt(this.weight);
  }

  snapshot(): TrendSnapshot {
    return [this.weight, this.meanX, this.meanY, this.varianceX, this.covariance, this.spread];
  }

  restore([weight, meanX, meanY, varianceX, covariance, spread]: TrendSnapshot): void {
    Object.assign(this, { weight, meanX, meanY, varianceX, covariance, spread });
  }

  /** Never negative: nothing is done faster because there is more of it. Flat until x has varied. */
  private get slope(): number {
    const doubt = (this.meanX / (2 * Math.max(1, this.weight))) ** 2;
    const scale = this.varianceX + doubt;
    return scale > 0 ? Math.max(0, this.covariance / scale) : 0;
  }
}
