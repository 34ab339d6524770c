/** How far starts were from their outlooks, in standard deviations: a tenth is below `low`, half below `middle`, a tenth above `high`. */
export type CalibrationSnapshot = readonly [low: number, middle: number, high: number, seen: number];

/** Of a normal distribution, for a start; a little wider, for nothing is. */
const AT_FIRST = 1.6;
const LOW = 0.1;
const HIGH = 0.9;
/** How far a quantile moves for one start, of what lies between low and high: quickly at first. */
const GAIN = 0.03;
const FIRST_GAIN = 0.15;
/** The range never closes to less than this, or it could not open again. */
const LEAST_WIDTH = 0.2;

/**
 * Keeps ranges honest: whatever the outlook's model leaves out, the range is moved and widened until eight of ten starts fall
 * inside it, and narrowed while more do (quantiles by stochastic approximation, as in adaptive conformal inference,
 * arXiv 2106.00170). O(1) a start.
 */
export class Calibration {
  private low = -AT_FIRST;
  private middle = 0;
  private high = AT_FIRST;
  private seen = 0;

  /** @param weight less than 1 where many starts are off for the same reason */
  observe(outlook: { readonly startMs: number; readonly sdMs: number }, actualMs: number, weight = 1): void {
    const score = (actualMs - outlook.startMs) / outlook.sdMs;
    this.seen += weight;
    const gain =
      weight * Math.max(GAIN, FIRST_GAIN / (1 + this.seen / 4)) * Math.max(LEAST_WIDTH, this.high - this.low);
    this.low += gain * (LOW - (score < this.low ? 1 : 0));
    this.middle += gain * (0.5 - (score < this.middle ? 1 : 0));
    this.high += gain * (HIGH - (score < this.high ? 1 : 0));
    this.high = Math.max(this.high, this.low + LEAST_WIDTH);
    this.middle = Math.min(Math.max(this.middle, this.low), this.high);
  }

  /** What to tell of an outlook. */
  tell({ startMs, sdMs }: { readonly startMs: number; readonly sdMs: number }): {
    readonly startMs: number;
    readonly earliestMs: number;
    readonly latestMs: number;
  } {
    const at = (quantile: number): number => Math.max(0, startMs + quantile * sdMs);
    return { startMs: at(this.middle), earliestMs: at(this.low), latestMs: at(this.high) };
  }

  snapshot(): CalibrationSnapshot {
    return [this.low, this.middle, this.high, this.seen];
  }

  restore([low, middle, high, seen]: CalibrationSnapshot): void {
    Object.assign(this, { low, middle, high, seen });
  }
}
