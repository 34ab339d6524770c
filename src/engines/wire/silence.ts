import type { Alarm, Alarms } from '../../time/alarms';
import type { Clock } from '../../time/clock';
import type { TurnEnd } from '../../time/turn-end';

/** Looks in the time of one limit. More of them notice an end sooner: a limit is overrun by one part of it at most. */
const LOOKS = 8;

/**
 * Watches for an engine that says nothing, by looking now and then whether something was read since the last look.
 *
 * A look counts as the time between two looks and no more, however late it comes, and it comes after the sockets have been
 * read: so while this process stands still (a debugger, SIGSTOP, a long turn of the loop), the engine is not blamed for it.
 */
export class Silence {
  private limitMs = 0;
  private quietMs = 0;
  private lookedAtMs = 0;
  private heardAny = false;
  private watching = false;
  private alarm: Alarm | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly turnEnd: TurnEnd,
    private readonly onSilence: (limitMs: number) => void,
  ) {}

  /** Watches from now on; a limit that held before holds no more. */
  watch(limitMs: number): void {
    this.alarm?.cancel();
    this.limitMs = limitMs;
    this.quietMs = 0;
    this.heardAny = false;
    this.watching = true;
    this.plan();
  }

  /** A sign of life. It is called for each frame, so it reads no clock. */
  heard(): void {
    this.heardAny = true;
  }

  stop(): void {
    this.watching = false;
    this.alarm?.cancel();
  }

  private plan(): void {
    this.lookedAtMs = this.clock.nowMs();
    this.alarm = this.alarms.after(this.stepMs, () => this.turnEnd.do(this.look));
  }

  private get stepMs(): number {
    return Math.max(1, this.limitMs / LOOKS);
  }

  private readonly look = (): void => {
    if (!this.watching) return;
    this.quietMs = this.heardAny ? 0 : this.quietMs + Math.min(this.stepMs, this.clock.nowMs() - this.lookedAtMs);
    this.heardAny = false;
    if (this.quietMs < this.limitMs) return this.plan();
    this.watching = false;
    this.onSilence(this.limitMs);
  };
}
