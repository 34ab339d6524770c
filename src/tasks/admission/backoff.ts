import { Injectable } from '@nestjs/common';
import { Clock } from '../../time/clock';

const MIN_MS = 100;
const MAX_MS = 60_000;
/** Assumed between two places until one was seen to free. */
const UNMEASURED_GAP_MS = 1000;
const WEIGHT = 0.2;

/**
 * When a refused client should come back: the time in which places free at the present rate, one for each client refused
 * since the last did, with jitter so that they do not all come back at once.
 */
@Injectable()
export class Backoff {
  private meanGapMs = UNMEASURED_GAP_MS;
  private lastDepartureMs: number | undefined;
  private refusedSince = 0;

  constructor(private readonly clock: Clock) {}

  /** A task left the queue. */
  departed(): void {
    const nowMs = this.clock.nowMs();
    if (this.lastDepartureMs !== undefined) this.meanGapMs += WEIGHT * (nowMs - this.lastDepartureMs - this.meanGapMs);
    this.lastDepartureMs = nowMs;
    this.refusedSince = 0;
  }

  /** Milliseconds for a client that is refused now. */
  refuse(): number {
    this.refusedSince++;
    // A queue that stands still for longer than its usual gap has a longer gap by now.
    const quietMs = this.lastDepartureMs === undefined ? 0 : this.clock.nowMs() - this.lastDepartureMs;
    const jittered = Math.max(this.meanGapMs, quietMs) * this.refusedSince * (0.75 + Math.random() / 2);
    return Math.round(Math.min(MAX_MS, Math.max(MIN_MS, jittered)));
  }
}
