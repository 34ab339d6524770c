import { Injectable } from '@nestjs/common';
import { performance } from 'node:perf_hooks';

/**
 * Two times. Deadlines, TTLs and durations use the monotonic one, which an operator's `date -s` cannot move; what is
 * shown to people or kept over a restart uses the wall's.
 */
@Injectable()
export class Clock {
  private readonly startedAtMs = Date.now() - performance.now();

  /** Milliseconds since the process started, fractional, never going back. */
  nowMs(): number {
    return performance.now();
  }

  /** Milliseconds since 1970 by the machine's calendar. */
  wallMs(): number {
    return Date.now();
  }

  /** A calendar time that is never set back while the process runs: for orders that must survive it. */
  steadyWallMs(): number {
    return this.startedAtMs + performance.now();
  }
}
