import { Injectable } from '@nestjs/common';

/**
 * How long the service has run on its data, over all its processes. Retention counts in it, and orders that outlive a process are
 * by it: a wall clock may be set at any time, to anything, and what was deleted by it is gone for good.
 *
 * Only time in which the service ran counts: what passed between two processes cannot be measured but by the wall. So what is kept
 * for an hour is never deleted after less than an hour, and a service that was stopped deletes nothing at once when it is back.
 *
 * In milliseconds, from the wall's time at the first start: so what an older version stamped by the wall is in the past.
 */
@Injectable()
export class RunningTime {
  private beganMs = Date.now() - performance.now();
  private isResumed = false;

  nowMs(): number {
    return this.beganMs + performance.now();
  }

  /** Goes on where the process before was at the earliest: behind whatever it has left. Of several such times the latest counts. */
  resumeAfter(leftMs: number): void {
    if (!Number.isFinite(leftMs) || (this.isResumed && leftMs <= this.nowMs())) return;
    this.beganMs = leftMs - performance.now();
    this.isResumed = true;
  }
}
