import { EventFrames } from '../../tasks/events/event-frames';
import type { LogChunk } from '../../tasks/events/event-log.port';
import { isTerminal, type TaskEvent } from '../../tasks/task/task';
import type { Reply, Store } from './connection/store';
import { decodeEvents } from './event-writer';
import { readScript } from './scripts/event-scripts';

/** A task that has ended has its last event this much later, or its node is no more: then there is its transcript. */
const END_MS = 1000;
const ENTRIES = 256;
const nothing = Buffer.alloc(0);

/** What this node has read of a stream that another one writes: shared by its readers here. */
export class RemoteLog {
  private frames = new EventFrames();
  private terminal = false;
  private lastEntry = '-';
  private pulling: Promise<void> | undefined;
  /** There is nothing to read here: the task is not known, or has ended and only its transcript is left. */
  isGone = false;

  constructor(
    private readonly taskId: string,
    private readonly store: Store,
    /** Somebody has read on: there is more for all. */
    private readonly onMore: () => void = () => undefined,
  ) {}

  get lastSeq(): number {
    return this.frames.lastSeq;
  }

  get isTerminal(): boolean {
    return this.terminal;
  }

  get byteLength(): number {
    return this.frames.byteLength;
  }

  /** Reads on; resolves once everything that was there when it was called is here. */
  async pull(): Promise<void> {
    if (this.pulling) await this.pulling.catch(() => undefined);
    this.pulling ??= this.load().finally(() => (this.pulling = undefined));
    await this.pulling;
  }

  /** Undefined where there is nothing more so far. */
  chunk(afterSeq: number, maxBytes: number, verbose: boolean): LogChunk | undefined {
    const chunk = this.frames.after(afterSeq, maxBytes, verbose, this.terminal);
    // Who was shown more by a node that is no more than it has left behind.
    if (!chunk && this.terminal) return { frames: nothing, lastSeq: this.lastSeq, terminal: true };
    return chunk;
  }

  events(): TaskEvent[] {
    return this.frames.events();
  }

  private async load(): Promise<void> {
    for (let isMore = true; isMore;) {
      const reply = await this.store.run(readScript, this.taskId, this.lastEntry);
      const [state, entries, endedForMs] = reply as [Reply, readonly Reply[], string];
      for (const entry of entries) this.take(entry as readonly [string, readonly string[]]);
      if (entries.length > 0) this.onMore();
      isMore = entries.length === ENTRIES;
      if (!isMore) this.judge(state, Number(endedForMs));
    }
  }

  private take([id, [, text = '[]']]: readonly [string, readonly string[]]): void {
    for (const event of decodeEvents(text)) {
      this.frames.push(event);
      this.terminal ||= isTerminal(event);
    }
    this.lastEntry = id;
  }

  private judge(state: Reply, endedForMs: number): void {
    if (!this.terminal) this.isGone = state === null || (state === 'x' && endedForMs >= END_MS);
  }
}
