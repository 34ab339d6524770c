import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../../config/config';
import { Clock } from '../../time/clock';
import { TurnEnd } from '../../time/turn-end';

/**
 * When streams write: at the end of the turn in which they were asked for, and of each in which there was something new. With
 * `ORCHD_SSE_MICROBATCH_MS` a stream that wrote less than that ago waits for the next common beat, so that several tokens share a write; the
 * first of them never waits.
 */
@Injectable()
export class StreamTurns implements OnModuleDestroy {
  private waiting: (() => void)[] = [];
  private beat: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly turnEnd: TurnEnd,
  ) {}

  onModuleDestroy(): void {
    clearTimeout(this.beat);
  }

  /** The clock by which streams tell when they wrote last. */
  nowMs(): number {
    return this.clock.nowMs();
  }

  /** Calls `begin` once, at the end of this turn. */
  begin(begin: () => void): void {
    this.turnEnd.do(begin);
  }

  /**
   * Calls `write` once, at the end of this turn or of the one in which the next beat falls.
   * @param lastWriteMs by {@link nowMs}
   */
  schedule(write: () => void, lastWriteMs: number): void {
    const batchMs = this.config.sseMicrobatchMs;
    if (batchMs === 0 || this.nowMs() - lastWriteMs >= batchMs) {
      this.turnEnd.do(write);
      return;
    }
    this.waiting.push(write);
    this.beat ??= setTimeout(() => this.writeAll(), batchMs);
  }

  private writeAll(): void {
    this.beat = undefined;
    for (const write of this.waiting.splice(0)) this.turnEnd.do(write);
  }
}
