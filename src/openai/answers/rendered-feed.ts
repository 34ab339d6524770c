import type { Subscription } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import type { LogChunk } from '../../tasks/events/event-log.port';
import { eventsIn } from '../../tasks/events/sse-frame';
import type { EventFeed } from '../../tasks/stream/event-feed';
import type { MaybeLater } from '../../time/maybe-later';
import type { Rendering } from './rendering';

/** A task's events, rendered as they are read. It has one reader. */
export class RenderedFeed implements EventFeed {
  /** The last event was read. */
  hasEnded = false;

  constructor(
    private readonly events: EventFeed,
    private readonly rendering: Rendering,
    private readonly onFault: (cause: unknown) => void,
  ) {}

  follow(wake: () => void): Subscription {
    return this.events.follow(wake);
  }

  read(afterSeq: number, maxBytes: number): MaybeLater<LogChunk | undefined> {
    const chunk = this.events.read(afterSeq, maxBytes);
    return chunk instanceof Promise ? chunk.then(read => this.rendered(read)) : this.rendered(chunk);
  }

  private rendered(chunk: LogChunk | undefined): LogChunk | undefined {
    if (!chunk) return undefined;
    let text = '';
    try {
      for (const event of eventsIn(chunk.frames)) text += this.rendering.of(event);
    } catch (cause) {
      this.onFault(cause);
      // Never a silent end; the task is given up, for nobody can read it.
      const fault = this.rendering.fault(new ServiceError('INTERNAL'));
      return { ...chunk, frames: Buffer.from(text + fault), terminal: true };
    }
    this.hasEnded ||= chunk.terminal;
    return { ...chunk, frames: Buffer.from(text) };
  }
}
