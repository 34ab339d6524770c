import { Injectable } from '@nestjs/common';
import { EMPTY, Subject, type Observable } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { EventLog, type LogChunk } from '../../tasks/stream/event-log.port';
import { eventFrame, eventOfFrame } from '../../tasks/stream/sse-frame';
import { isTerminal, type TaskEvent } from '../../tasks/task';
import { PackedFrames } from './packed-frames';

class Log {
  /** The frame of each event, as readers get it; packed once the log is sealed. */
  frames: string[] | PackedFrames = [];
  /** What verbose readers get instead, by index in `frames`; few events have any. */
  readonly verboseFrames = new Map<number, string>();
  readonly more$ = new Subject<void>();
  bytes = 0;
  /** Number of the last event. Each event's is its place, counted from 1; only a terminal one may have a greater one. */
  lastSeq = 0;
  terminal = false;
  /** The last joined chunk: readers that keep pace ask for the same one. */
  joined: { readonly afterSeq: number; readonly verbose: boolean; readonly chunk: LogChunk } | undefined;
}

/** Event logs in this process. Sealed ones are kept for late readers within `ORCHD_EVENT_CACHE_BYTES`, oldest out first. */
@Injectable()
export class MemoryEventLog extends EventLog {
  private readonly logs = new Map<string, Log>();
  /** In the order of sealing. */
  private readonly sealed = new Map<string, Log>();
  private sealedBytes = 0;

  constructor(private readonly config: Config) {
    super();
  }

  open(taskId: string, events: readonly TaskEvent[] = []): void {
    this.logs.set(taskId, new Log());
    if (events.length > 0) this.append(taskId, events);
  }

  append(taskId: string, events: readonly TaskEvent[]): number {
    const log = this.logs.get(taskId);
    if (!log || log.terminal) {
      throw new ServiceError('INTERNAL', {}, new Error(`append to a log that is ${log ? 'at its end' : 'unknown'}`));
    }
    const { frames, verboseFrames } = log;
    if (frames instanceof PackedFrames) throw new ServiceError('INTERNAL', {}, new Error('append to a sealed log'));
    for (const event of events) {
      const seq = event.seq ?? frames.length + 1;
      const frame = eventFrame(seq, event.type, event.data);
      if (event.verboseData !== undefined) {
        verboseFrames.set(frames.length, eventFrame(seq, event.type, event.verboseData));
      }
      frames.push(frame);
      // Counting also makes one piece of the string: V8 would keep it as the tree of the pieces it was put together from.
      log.bytes += Buffer.byteLength(frame);
      log.lastSeq = seq;
      log.terminal ||= isTerminal(event);
    }
    log.joined = undefined;
    log.more$.next();
    return log.bytes;
  }

  read(taskId: string, afterSeq: number, maxBytes: number, verbose: boolean): LogChunk | undefined {
    const log = this.logs.get(taskId);
    if (!log || afterSeq >= log.lastSeq) return undefined;
    const { joined } = log;
    if (joined && joined.afterSeq === afterSeq && joined.verbose === verbose) return joined.chunk;
    const chunk = join(log, afterSeq, maxBytes, verbose);
    log.joined = { afterSeq, verbose, chunk };
    return chunk;
  }

  follow(taskId: string): Observable<void> {
    return this.logs.get(taskId)?.more$ ?? EMPTY;
  }

  async tail(taskId: string): Promise<{ lastSeq: number; terminal: boolean } | undefined> {
    const log = this.logs.get(taskId);
    return log && { lastSeq: log.lastSeq, terminal: log.terminal };
  }

  async events(taskId: string): Promise<readonly TaskEvent[]> {
    const log = this.logs.get(taskId);
    if (!log) return [];
    const { frames, lastSeq } = log;
    const events: TaskEvent[] = [];
    for (let at = 0; at < frames.length; at++) events.push(eventOfFrame(frames.at(at) as string));
    const last = events.at(-1);
    if (last && lastSeq > events.length) events[events.length - 1] = { ...last, seq: lastSeq };
    return events;
  }

  seal(taskId: string): void {
    const log = this.logs.get(taskId);
    if (!log || this.sealed.has(taskId)) return;
    if (!(log.frames instanceof PackedFrames)) log.frames = new PackedFrames(log.frames);
    this.sealed.set(taskId, log);
    this.sealedBytes += log.bytes;
    this.evict();
  }

  drop(taskId: string): void {
    const log = this.logs.get(taskId);
    if (!log) return;
    this.logs.delete(taskId);
    if (this.sealed.delete(taskId)) this.sealedBytes -= log.bytes;
    log.more$.complete();
  }

  private evict(): void {
    if (this.sealedBytes <= this.config.eventCacheBytes) return;
    for (const [taskId, log] of this.sealed) {
      // A log that is being read stays until its readers are through; they are at its end or on their way to it.
      if (!log.more$.observed) this.drop(taskId);
      if (this.sealedBytes <= this.config.eventCacheBytes) return;
    }
  }
}

function join(log: Log, afterSeq: number, maxBytes: number, verbose: boolean): LogChunk {
  const { frames, verboseFrames, lastSeq } = log;
  let text = '';
  // A number in the gap before the terminal event is followed by that event.
  let at = Math.min(afterSeq, frames.length - 1);
  for (; at < frames.length && (text === '' || text.length < maxBytes); at++) {
    text += (verbose ? verboseFrames.get(at) : undefined) ?? frames.at(at);
  }
  const isAll = at === frames.length;
  return { frames: text, lastSeq: isAll ? lastSeq : at, terminal: isAll && log.terminal };
}
