import { Injectable } from '@nestjs/common';
import { EMPTY, Subject, type Observable } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { EventLog, type LogChunk } from '../../tasks/stream/event-log.port';
import { eventFrame } from '../../tasks/stream/sse-frame';
import { isTerminal, type TaskEvent } from '../../tasks/task';

/** An event as it is kept: the frame that readers get, with the place of its data in it. */
interface Entry {
  readonly type: TaskEvent['type'];
  readonly frame: string;
  readonly verboseFrame: string | undefined;
}

class Log {
  readonly entries: Entry[] = [];
  readonly more$ = new Subject<void>();
  bytes = 0;
  /** Number of the last entry. Each entry's is its place, counted from 1; only a terminal one may have a greater one. */
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
    for (const event of events) {
      const seq = event.seq ?? log.entries.length + 1;
      const frame = eventFrame(seq, event.type, event.data);
      const verboseFrame = event.verboseData === undefined ? undefined : eventFrame(seq, event.type, event.verboseData);
      log.entries.push({ type: event.type, frame, verboseFrame });
      log.bytes += frame.length;
      log.lastSeq = seq;
      log.terminal ||= isTerminal(event);
    }
    log.joined = undefined;
    log.more$.next();
    return log.bytes;
  }

  async read(taskId: string, afterSeq: number, maxBytes: number, verbose: boolean): Promise<LogChunk | undefined> {
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
    const { entries, lastSeq } = log;
    return entries.map(({ type, frame }, at) => {
      const event = { type, data: dataOf(frame) };
      return at + 1 === entries.length && lastSeq > entries.length ? { ...event, seq: lastSeq } : event;
    });
  }

  seal(taskId: string): void {
    const log = this.logs.get(taskId);
    if (!log || this.sealed.has(taskId)) return;
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
  let frames = '';
  const { entries } = log;
  // A number in the gap before the terminal event is followed by that event.
  let at = Math.min(afterSeq, entries.length - 1);
  while (at < entries.length && (frames === '' || frames.length < maxBytes)) {
    const entry = entries[at++] as Entry;
    frames += (verbose ? entry.verboseFrame : undefined) ?? entry.frame;
  }
  const isAll = at === entries.length;
  return { frames, lastSeq: isAll ? log.lastSeq : at, terminal: isAll && log.terminal };
}

const DATA_MARK = '\ndata: ';

/** The data between the mark and the blank line: canonical JSON has no raw line end, so the first mark is the right one. */
function dataOf(frame: string): string {
  return frame.slice(frame.indexOf(DATA_MARK) + DATA_MARK.length, -2);
}
