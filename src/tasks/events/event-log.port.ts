import type { Observable } from 'rxjs';
import type { MaybeLater } from '../../time/maybe-later';
import type { TaskEvent } from '../task/task';

/** A run of encoded SSE frames, ready to be written. Shared between all readers at the same place: never changed. */
export interface LogChunk {
  readonly frames: Buffer;
  /** Number of the last event in it; the next read goes on after this. */
  readonly lastSeq: number;
  /** True when the last frame is the terminal event: nothing follows. */
  readonly terminal: boolean;
}

export interface LogTail {
  /** Number of the last event. */
  readonly lastSeq: number;
  readonly terminal: boolean;
  /** Another node writes it, and may have shown some events more to its own readers. */
  readonly mayLag?: boolean;
}

/**
 * The events of each task, numbered from 1 (a terminal event may leave a gap before its own number, see {@link TaskEvent.seq}),
 * appended by one writer and read by any number of cursors.
 *
 * A reader holds a number, not a queue: `follow` says that there is more, `read` gives what follows the number. Wake-ups
 * may be merged or spurious. After the terminal event nothing can be appended.
 *
 * Readers see whole events, in their order. Appending costs time in the bytes of the batch and the number of followers, reading in the
 * bytes that it gives; neither in the length of the log, but that a verbose read passes the `metrics` events before its own.
 */
export abstract class EventLog {
  /** Makes an empty log (or, after a restart, one with the events that were kept). */
  abstract open(taskId: string, events?: readonly TaskEvent[]): void;

  /**
   * Appends a batch and wakes the followers; returns the log's size in bytes. It returns at once: a driver that writes
   * elsewhere does so in the order of the calls.
   * @throws ServiceError INTERNAL when the log is unknown or already has its terminal event
   */
  abstract append(taskId: string, events: readonly TaskEvent[]): number;

  /**
   * What follows event `afterSeq`, up to about `maxBytes` (at least one event); undefined when nothing does.
   * A driver that has it at hand gives it at once: at one token a read, a promise costs as much as all the rest of it.
   */
  abstract read(taskId: string, afterSeq: number, maxBytes: number, verbose: boolean): MaybeLater<LogChunk | undefined>;

  /** Emits whenever there may be more to read; completes when the log is dropped. */
  abstract follow(taskId: string): Observable<void>;

  /** The number of the last event, and whether it is terminal; undefined for a log that is not here. */
  abstract tail(taskId: string): MaybeLater<LogTail | undefined>;

  /** All events, for the transcript. */
  abstract events(taskId: string): MaybeLater<readonly TaskEvent[]>;

  /** The task has ended and its transcript was stored, if it could be: the log may be dropped when memory is wanted. */
  abstract seal(taskId: string): void;

  /**
   * What a process that is no more has left of a log, from event 1 without gaps: all but what was appended in its last 100 ms. Kept
   * from a task's admission until its ending names a transcript.
   */
  abstract kept(taskId: string): Promise<readonly TaskEvent[]>;

  /** Forgets a log. */
  abstract drop(taskId: string): void;
}
