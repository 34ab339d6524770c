import { Inject, Injectable } from '@nestjs/common';
import { EMPTY, Observable, type Subscriber } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { EventLog, type LogChunk } from '../../tasks/events/event-log.port';
import { EventFrames } from '../../tasks/events/event-frames';
import { TaskJournal } from '../../tasks/journal/task-journal.port';
import { isTerminal, type TaskEvent } from '../../tasks/task/task';

/** Where events are copied to, so that a start after a kill finds them. */
export type EventCopies = Pick<TaskJournal, 'copyEvents' | 'readEvents'>;

class Log {
  readonly frames = new EventFrames();
  /** Each is told by itself: a Subject makes closures and copies for every token. */
  followers: readonly Subscriber<void>[] = [];
  terminal = false;
  isSealed = false;
  /** What was read last: readers that keep pace ask for the same. */
  joined: { readonly afterSeq: number; readonly verbose: boolean; readonly chunk: LogChunk } | undefined;
}

/** Part of the bound that is made free at once: the way to the oldest is longer the more have gone. */
const EVICTED_PART = 1 / 64;

/** What a log takes beside its frames: of short outputs, that is most of it. */
const LOG_BYTES = 2048;

function keptBytesOf({ frames }: Log): number {
  return LOG_BYTES + frames.byteLength;
}

/** Event logs in this process. Sealed ones are kept for late readers within `ORCHD_EVENT_CACHE_BYTES`, oldest out first. */
@Injectable()
export class MemoryEventLog extends EventLog {
  private readonly logs = new Map<string, Log>();
  /** In the order of sealing. */
  private readonly sealed = new Map<string, Log>();
  private sealedBytes = 0;

  constructor(
    private readonly config: Config,
    @Inject(TaskJournal) private readonly copies: EventCopies,
  ) {
    super();
  }

  open(taskId: string, events: readonly TaskEvent[] = []): void {
    this.drop(taskId);
    this.logs.set(taskId, new Log());
    if (events.length > 0) this.push(taskId, events);
  }

  append(taskId: string, events: readonly TaskEvent[]): number {
    const firstSeq = (this.logs.get(taskId)?.frames.lastSeq ?? 0) + 1;
    const bytes = this.push(taskId, events);
    this.copies.copyEvents(taskId, firstSeq, events);
    return bytes;
  }

  read(taskId: string, afterSeq: number, maxBytes: number, verbose: boolean): LogChunk | undefined {
    const log = this.logs.get(taskId);
    if (!log) return undefined;
    const { joined } = log;
    if (joined && joined.afterSeq === afterSeq && joined.verbose === verbose) return joined.chunk;
    const chunk = log.frames.after(afterSeq, maxBytes, verbose, log.terminal);
    if (chunk) log.joined = { afterSeq, verbose, chunk };
    return chunk;
  }

  follow(taskId: string): Observable<void> {
    const log = this.logs.get(taskId);
    if (!log) return EMPTY;
    return new Observable(follower => {
      log.followers = [...log.followers, follower];
      return () => (log.followers = log.followers.filter(other => other !== follower));
    });
  }

  tail(taskId: string): { lastSeq: number; terminal: boolean } | undefined {
    const log = this.logs.get(taskId);
    return log && { lastSeq: log.frames.lastSeq, terminal: log.terminal };
  }

  events(taskId: string): readonly TaskEvent[] {
    return this.logs.get(taskId)?.frames.events() ?? [];
  }

  kept(taskId: string): Promise<readonly TaskEvent[]> {
    return this.copies.readEvents(taskId);
  }

  seal(taskId: string): void {
    const log = this.logs.get(taskId);
    if (!log || log.isSealed) return;
    log.isSealed = true;
    log.joined = undefined;
    log.frames.trim();
    this.sealed.set(taskId, log);
    this.sealedBytes += keptBytesOf(log);
    this.evict();
  }

  drop(taskId: string): void {
    const log = this.logs.get(taskId);
    if (!log) return;
    this.logs.delete(taskId);
    if (this.sealed.delete(taskId)) this.sealedBytes -= keptBytesOf(log);
    for (const follower of log.followers) follower.complete();
  }

  private push(taskId: string, events: readonly TaskEvent[]): number {
    const log = this.logs.get(taskId);
    if (!log || log.terminal) {
      throw new ServiceError('INTERNAL', {}, new Error(`append to a log that is ${log ? 'at its end' : 'unknown'}`));
    }
    if (log.isSealed) throw new ServiceError('INTERNAL', {}, new Error('append to a sealed log'));
    for (const event of events) {
      log.frames.push(event);
      log.terminal ||= isTerminal(event);
    }
    log.joined = undefined;
    for (const follower of log.followers) follower.next();
    return log.frames.byteLength;
  }

  private evict(): void {
    const { eventCacheBytes } = this.config;
    if (this.sealedBytes <= eventCacheBytes) return;
    const leftBytes = (1 - EVICTED_PART) * eventCacheBytes;
    for (const [taskId, log] of this.sealed) {
      // A log that is being read stays until its readers are through; they are at its end or on their way to it.
      if (log.followers.length === 0) this.drop(taskId);
      if (this.sealedBytes <= leftBytes) return;
    }
  }
}
