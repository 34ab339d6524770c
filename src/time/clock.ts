import { Injectable } from '@nestjs/common';
import { performance } from 'node:perf_hooks';

/**
 * Two times. Deadlines, TTLs and durations use the monotonic one, which an operator's `date -s` cannot move; what is
 * shown to people or kept over a restart uses the wall's.
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
}
