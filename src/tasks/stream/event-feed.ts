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
  let isFollowed = false;
  /** A log that nobody follows may go between two reads, and nobody says so. */
  const readUnfollowed: EventFeed['read'] = async (afterSeq, maxBytes) => {
    const chunk = await log.read(taskId, afterSeq, maxBytes, verbose);
    if (chunk || (await log.tail(taskId))) return chunk;
    ended ??= transcript();
    return (await ended).read(afterSeq, maxBytes);
  };
  return {
    // A plain subscription: operators between it and the stream would run for every token.
    follow: wake => {
      isFollowed = true;
      return log.follow(taskId).subscribe({
        next: wake,
        complete: () => {
          ended = transcript();
          ended.catch(() => undefined); // Whoever reads finds out.
          wake();
        },
      });
    },
    read: (afterSeq, maxBytes) => {
      if (ended) return ended.then(feed => feed.read(afterSeq, maxBytes));
      return isFollowed ? log.read(taskId, afterSeq, maxBytes, verbose) : readUnfollowed(afterSeq, maxBytes);
    },
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
