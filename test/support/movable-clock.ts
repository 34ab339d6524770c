import { Clock } from '../../src/time/clock';

/** A clock whose monotonic time can be moved on, for what depends on how long something has lasted. Alarms do not hear of it. */
export class MovableClock extends Clock {
  private passedMs = 0;

  pass(ms: number): void {
    this.passedMs += ms;
  }

  override nowMs(): number {
    return super.nowMs() + this.passedMs;
  }
}
