import { Injectable } from '@nestjs/common';
import { performance } from 'node:perf_hooks';

/**
 * Two times. Deadlines, TTLs and durations use the monotonic one, which an operator's `date -s` cannot move; what is
 * shown to people uses the wall's. What outlives the process is ordered and aged by {@link RunningTime}.
 */
@Injectable()
export class Clock {
  /** Milliseconds since the process started, fractional, never going back. */
  nowMs(): number {
    return performance.now();
  }

  /** Milliseconds since 1970 by the machine's calendar. */
  wallMs(): number {
    return Date.now();
  }

  /** The same in whole seconds, as the APIs of others tell it. */
  wallSeconds(): number {
    return Math.floor(this.wallMs() / 1000);
  }
}
