import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { withDeadline, LAST_RESORT_MS } from './deadline';

/** One event of a stream, as it was dispatched. */
export interface SseEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  readonly id: string | undefined;
  readonly text: string;
  /** The text as JSON; undefined where it is none. */
  readonly data: unknown;
  /** Of `performance.now()`. */
  readonly receivedMs: number;
}

/** What came of a stream. */
export interface SseReading {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly events: readonly SseEvent[];
  /** Comment lines, such as heartbeats. */
  readonly comments: readonly string[];
  /** Of `retry:`, the last one sent. */
  readonly retryMs: number | undefined;
  /** The body of an answer that is no event stream (an error, a 204). */
  readonly body: string;
  /** Whether the response came to its own, clean end. */
  readonly ended: boolean;
}

/** A stream that is being read. */
export class SseStream {
  readonly events: SseEvent[] = [];
  private readonly comments: string[] = [];
  private body = '';
  private retryMs: number | undefined;
  private ended = false;
  private broken: Error | undefined;
  private readonly watchers = new Set<() => void>();

  constructor(private readonly response: IncomingMessage) {
    const isStream = (response.headers['content-type'] ?? '').startsWith('text/event-stream');
    const parser = createParser({
      onEvent: ({ event = 'message', id, data }) =>
        this.add({ type: event, id, text: data, data: parsed(data), receivedMs: performance.now() }),
      onComment: comment => this.comments.push(comment),
      onRetry: retryMs => (this.retryMs = retryMs),
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      if (isStream) parser.feed(text);
      else this.body += text;
    });
    response.on('end', () => this.settle(() => (this.ended = true)));
    response.on('error', cause => this.settle(() => (this.broken ??= new Error('the stream broke off', { cause }))));
    response.on('close', () => this.settle(() => undefined));
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.response.headers;
  }

  /**
   * The first event, past or to come, that `wanted` takes; it is also shown all that have come so far. Rejects at the
   * deadline, when the stream breaks off, and when it ends without one, unless `endWillDo`.
   */
  async event(
    wanted: (event: SseEvent, events: readonly SseEvent[]) => boolean,
    deadlineMs = LAST_RESORT_MS,
    endWillDo = false,
  ): Promise<SseEvent | undefined> {
    let seen = 0;
    let found: SseEvent | undefined;
    await this.until(() => {
      while (!found && seen < this.events.length) {
        const event = this.events[seen++];
        if (event && wanted(event, this.events)) found = event;
      }
      return found !== undefined || this.ended;
    }, deadlineMs);
    if (!found && !endWillDo) throw new Error(`the stream ended without the event; ${this.describe()}`);
    return found;
  }

  /** Resolves at the response's own end. Rejects at the deadline, or where it breaks off. */
  finished(deadlineMs = LAST_RESORT_MS): Promise<void> {
    return this.until(() => this.ended, deadlineMs);
  }

  /** What has come so far. */
  reading(): SseReading {
    const { status, headers, events, comments, retryMs, body, ended } = this;
    return { status, headers, events: [...events], comments: [...comments], retryMs, body, ended };
  }

  /** Stops to take anything from the connection, which stays open: a reader that hangs. */
  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  /** Leaves: the connection is closed, whatever is still to come. */
  close(): void {
    this.response.destroy();
  }

  private add(event: SseEvent): void {
    this.events.push(event);
    this.wake();
  }

  private settle(change: () => void): void {
    change();
    this.wake();
  }

  private wake(): void {
    for (const watcher of this.watchers) watcher();
  }

  private async until(reached: () => boolean, deadlineMs: number): Promise<void> {
    let watcher: (() => void) | undefined;
    const there = new Promise<void>((resolve, reject) => {
      watcher = () => {
        try {
          if (reached()) resolve();
          else if (this.broken) reject(this.broken);
          else if (this.response.destroyed) reject(new Error(`the stream was closed; ${this.describe()}`));
        } catch (fault) {
          reject(fault instanceof Error ? fault : new Error(String(fault)));
        }
      };
      this.watchers.add(watcher);
      watcher();
    });
    try {
      await withDeadline(there, deadlineMs, () => `the stream did not get there; ${this.describe()}`);
    } finally {
      if (watcher) this.watchers.delete(watcher);
    }
  }

  private describe(): string {
    const last = this.events.slice(-5).map(({ type, text }) => `${type} ${text.slice(0, 200)}`);
    return `status ${this.status}, ${this.events.length} events, the last: ${last.join(' | ')} ${this.body.slice(0, 500)}`;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
