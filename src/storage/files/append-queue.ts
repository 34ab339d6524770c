import type { Alarm, Alarms } from '../../time/alarms';
import type { StoredName } from './artifact-name';

/** How long a record that nobody waits for may wait for others to be written with. */
const GATHER_MS = 100;

/** A record that is to be written. */
export interface Append {
  readonly info: StoredName;
  /** Head, content and line ends. */
  readonly record: string;
  readonly recordBytes: number;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;
}

/**
 * Records that wait to be written, in the order in which they came. They are due at once where somebody waits for one of them, or
 * where they are as many as one write takes; else they are gathered for {@link GATHER_MS}.
 */
export class AppendQueue {
  private waiting: Append[] = [];
  private waitingBytes = 0;
  /** So many of the first ones are to be written now. */
  private due = 0;
  private alarm: Alarm | undefined;

  constructor(
    private readonly alarms: Alarms,
    /** What one write takes at most. */
    private readonly groupBytes: number,
    /** Told when something is due. */
    private readonly onDue: () => void,
  ) {}

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  get isDue(): boolean {
    return this.due > 0;
  }

  push(append: Append, isAwaited: boolean): void {
    this.waiting.push(append);
    this.waitingBytes += append.info.bytes;
    if (isAwaited || this.waitingBytes >= this.groupBytes) this.hurry();
    else this.alarm ??= this.alarms.after(GATHER_MS, () => this.hurry());
  }

  /** All that wait are due. */
  hurry(): void {
    this.alarm?.cancel();
    this.alarm = undefined;
    this.due = this.waiting.length;
    if (this.due > 0) this.onDue();
  }

  /**
   * Takes what is written next, also what is not due yet: at least one, and beyond that no more than the pack has room for, or a
   * removal would have to wait for many that came at once.
   */
  takeGroup(roomBytes: number): readonly Append[] {
    const mostBytes = Math.min(this.groupBytes, roomBytes);
    let [bytes, size] = [0, 0];
    for (const { info } of this.waiting) {
      if (size > 0 && bytes + info.bytes > mostBytes) break;
      bytes += info.bytes;
      size++;
    }
    this.waitingBytes -= bytes;
    this.due = Math.max(0, this.due - size);
    return this.waiting.splice(0, size);
  }
}
