import { Injectable } from '@nestjs/common';

/** What a position costs until a service time was measured. */
const UNMEASURED_MS_PER_POSITION = 100;
/** Weight of the newest measurement: about the last ten tasks count. */
const WEIGHT = 0.2;

/** Predicts when a queued task will start, from how long tasks have held their slots. */
@Injectable()
export class StartPredictor {
  private meanServiceMs: number | undefined;

  /** Takes in how long one task held its slot. */
  served(tookMs: number): void {
    const mean = this.meanServiceMs;
    this.meanServiceMs = mean === undefined ? tookMs : mean + WEIGHT * (tookMs - mean);
  }

  /**
   * Milliseconds until a task starts that has `ahead` tasks before it in its lane, with the slots that may run it.
   * With none ready it is the figure for one slot: the best that can be said.
   */
  predictMs(ahead: number, slotsTotal: number, slotsFree: number): number {
    if (slotsFree > ahead) return 0;
    if (this.meanServiceMs === undefined) return ahead * UNMEASURED_MS_PER_POSITION;
    const turns = (ahead - slotsFree + 1) / Math.max(1, slotsTotal);
    return Math.round(turns * this.meanServiceMs);
  }
}
