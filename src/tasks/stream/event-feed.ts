import { Subscription } from 'rxjs';
import type { TaskEvent } from '../task/task';
import type { MaybeLater } from '../../time/maybe-later';
import type { EventLog, LogChunk } from '../events/event-log.port';
import { EventFrames } from '../events/event-frames';

/** What a stream reads from: the log while it is here, the transcript after that. */
export interface EventFeed {
  /** Calls `wake` whenever there may be more to read. */
  follow(wake: () => void): Subscription;
  read(afterSeq: number, maxBytes: number): MaybeLater<LogChunk | undefined>;
}

/** @param transcript what is read from once the log is gone: one that nobody follows yet may be dropped when the task ends */
export function logFeed(
  log: EventLog,
  taskId: string,
  verbose: boolean,
  transcript: () => Promise<EventFeed>,
): EventFeed {
  let ended: Promise<EventFeed> | undefined;
  return {
    // A plain subscription: operators between it and the stream would run for every token.
    follow: wake =>
      log.follow(taskId).subscribe({
        next: wake,
        complete: () => {
          ended = transcript();
          ended.catch(() => undefined); // Whoever reads finds out.
          wake();
        },
      }),
    read: (afterSeq, maxBytes) =>
      ended ? ended.then(feed => feed.read(afterSeq, maxBytes)) : log.read(taskId, afterSeq, maxBytes, verbose),
  };
}

/** The events of an ended task, complete. */
export function endedFeed(events: readonly TaskEvent[]): EventFeed {
  const frames = new EventFrames();
  for (const event of events) frames.push(event);
  return {
    follow: () => Subscription.EMPTY,
    read: (afterSeq, maxBytes) => frames.after(afterSeq, maxBytes, false, true),
  };
}
