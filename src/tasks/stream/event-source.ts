import { endWith, NEVER, tap, type Observable } from 'rxjs';
import { lastSeqOf, type TaskEvent } from '../task';
import type { EventLog, LogChunk } from './event-log.port';
import { eventFrame } from './sse-frame';

/** What a stream reads from: the log while it is here, the transcript after that. */
export interface EventSource {
  /** Emits whenever there may be more to read. */
  readonly more$: Observable<void>;
  read(afterSeq: number, maxBytes: number): Promise<LogChunk | undefined>;
}

/** @param transcript what is read from once the log is gone: one that nobody follows yet may be dropped when the task ends */
export function logSource(
  log: EventLog,
  taskId: string,
  verbose: boolean,
  transcript: () => Promise<EventSource>,
): EventSource {
  let ended: Promise<EventSource> | undefined;
  const gone = (): void => void (ended = transcript());
  return {
    more$: log.follow(taskId).pipe(tap({ complete: gone }), endWith(undefined)),
    read: async (afterSeq, maxBytes) =>
      ended ? (await ended).read(afterSeq, maxBytes) : log.read(taskId, afterSeq, maxBytes, verbose),
  };
}

/** The events of an ended task, complete. */
export function endedSource(events: readonly TaskEvent[]): EventSource {
  const lastSeq = lastSeqOf(events);
  return {
    more$: NEVER,
    read: async (afterSeq, maxBytes) => {
      if (afterSeq >= lastSeq) return undefined;
      let frames = '';
      // A number in the gap before the terminal event is followed by that event.
      let at = Math.min(afterSeq, events.length - 1);
      for (; at < events.length && frames.length < maxBytes; at++) {
        const { type, data, seq = at + 1 } = events[at] as TaskEvent;
        frames += eventFrame(seq, type, data);
      }
      const isAll = at === events.length;
      return { frames, lastSeq: isAll ? lastSeq : at, terminal: isAll };
    },
  };
}
