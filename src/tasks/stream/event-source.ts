import { NEVER, type Observable } from 'rxjs';
import type { TaskEvent } from '../task';
import type { EventLog, LogChunk } from './event-log.port';
import { eventFrame } from './sse-frame';

/** What a stream reads from: the log while it is here, the transcript after that. */
export interface EventSource {
  /** Emits whenever there may be more to read. */
  readonly more$: Observable<void>;
  read(afterSeq: number, maxBytes: number): Promise<LogChunk | undefined>;
}

export function logSource(log: EventLog, taskId: string, verbose: boolean): EventSource {
  return {
    more$: log.follow(taskId),
    read: (afterSeq, maxBytes) => log.read(taskId, afterSeq, maxBytes, verbose),
  };
}

/** The events of an ended task, complete. */
export function endedSource(events: readonly TaskEvent[]): EventSource {
  return {
    more$: NEVER,
    read: async (afterSeq, maxBytes) => {
      let frames = '';
      let seq = afterSeq;
      for (; seq < events.length && frames.length < maxBytes; seq++) {
        const { type, data } = events[seq] as TaskEvent;
        frames += eventFrame(seq + 1, type, data);
      }
      return seq === afterSeq ? undefined : { frames, lastSeq: seq, terminal: seq === events.length };
    },
  };
}
