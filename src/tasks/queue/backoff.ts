import { Injectable } from '@nestjs/common';
import { Clock } from '../../time/clock';
import { TaskLedger } from '../ledger/task-ledger.port';

const MIN_MS = 100;
const MAX_MS = 60_000;
/** Assumed between two places until one was seen to free. */
const UNMEASURED_GAP_MS = 1000;
/** Of the newest gap in the running mean: the last ten or so decide. */
const NEWEST_WEIGHT = 0.2;

/**
 * When a refused client should come back: the time in which places free at the present rate, one for each client refused
 * since the last did, with jitter so that they do not all come back at once.
 */
@Injectable()
export class Backoff {
  private meanGapMs = UNMEASURED_GAP_MS;
  private lastDepartureMs: number | undefined;
  private refusedSinceDeparture = 0;

  constructor(
    private readonly ledger: TaskLedger,
    private readonly clock: Clock,
  ) {}

  /** A task left the queue, for a slot. */
  departed(): void {
    const nowMs = this.clock.nowMs();
    if (this.lastDepartureMs !== undefined)
      this.meanGapMs += NEWEST_WEIGHT * (nowMs - this.lastDepartureMs - this.meanGapMs);
    // While nobody waits, the time until the next one goes says nothing of how fast places free.
    const { interactive, batch } = this.ledger.depth();
    this.lastDepartureMs = interactive + batch > 0 ? nowMs : undefined;
    this.refusedSinceDeparture = 0;
  }

  /** For a client that is refused now for want of a place; counts it, so that the next one is sent behind it. */
  adviseRefusedMs(): number {
    this.refusedSinceDeparture++;
    return this.adviseMs();
  }

  /** For a client that is refused for another reason: as long as those wait who were refused a place, without being counted. */
  adviseMs(): number {
    // A queue that stands still for longer than its usual gap has a longer gap by now.
    const quietMs = this.lastDepartureMs === undefined ? 0 : this.clock.nowMs() - this.lastDepartureMs;
    const jittered =
      Math.max(this.meanGapMs, quietMs) * Math.max(1, this.refusedSinceDeparture) * (0.75 + Math.random() / 2);
    return Math.round(Math.min(MAX_MS, Math.max(MIN_MS, jittered)));
  }
}
