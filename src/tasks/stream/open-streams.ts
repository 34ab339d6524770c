import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { TurnoverSet, type Seat } from '../../collections/turnover-set';
import { Config } from '../../config/config';
import { Clock } from '../../time/clock';
import type { SseStream } from './sse-stream';

/** All streams that are open. One ticker for all of them writes a comment where nothing was written for a while. */
@Injectable()
export class OpenStreams implements OnModuleDestroy {
  private readonly streams = new TurnoverSet<SseStream>();
  private readonly ticker: NodeJS.Timeout;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {
    const everyMs = Math.max(10, Math.min(1000, config.sseHeartbeatMs / 4));
    this.ticker = setInterval(() => this.beat(), everyMs);
    this.ticker.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.ticker);
    this.endAll();
  }

  add(stream: SseStream): Seat<SseStream> {
    return this.streams.add(stream);
  }

  remove(seat: Seat<SseStream>): void {
    this.streams.delete(seat);
  }

  /** Ends every response where it stands. */
  endAll(): void {
    for (const stream of this.streams) stream.end();
  }

  private beat(): void {
    const quietSinceMs = this.clock.nowMs() - this.config.sseHeartbeatMs;
    for (const stream of this.streams) {
      if (stream.lastWriteMs <= quietSinceMs || stream.isHalfClosed) stream.heartbeat();
    }
  }
}
