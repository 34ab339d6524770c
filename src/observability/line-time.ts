import type { Clock } from '../time/clock';

/** The time of log lines, of which many share a millisecond. */
export class LineTime {
  private ms = NaN;
  private last = '';

  constructor(private readonly clock: Clock) {}

  get text(): string {
    const nowMs = this.clock.wallMs();
    if (nowMs !== this.ms) {
      this.ms = nowMs;
      this.last = new Date(nowMs).toISOString();
    }
    return this.last;
  }
}
