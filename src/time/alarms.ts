import { AsyncResource } from 'node:async_hooks';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from './clock';

/** Something that will happen at a time unless it is called off. */
export interface Alarm {
  /** Calls it off; after it rang this does nothing. */
  cancel(): void;
}

/** One object an alarm: there are several to a task. */
class Entry implements Alarm {
  constructor(
    private readonly alarms: Alarms,
    readonly atMs: number,
    /** Let go of once it rang or was called off: what it would act on must not live on in the heap. */
    public ring: (() => void) | undefined,
  ) {}

  cancel(): void {
    if (!this.ring) return;
    this.ring = undefined;
    this.alarms.cancelled();
  }
}

/** The longest span one Node timer can hold; a longer one would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** Cancelled entries stay in the heap until they surface; more than this, and than half of the heap, are swept out. */
const SWEEP_ABOVE = 1024;

/** Any number of alarms on one timer of the event loop: a binary heap by time, for deadlines, graces and TTLs. */
@Injectable()
export class Alarms implements OnModuleDestroy {
  private heap: Entry[] = [];
  private cancelledCount = 0;
  private timer: NodeJS.Timeout | undefined;
  private armedForMs = Infinity;
  /** Alarms ring in a context of their own, not in that of the request which happened to arm the timer. */
  private readonly context = new AsyncResource('Alarms');

  constructor(private readonly clock: Clock) {}

  onModuleDestroy(): void {
    clearTimeout(this.timer);
    this.heap = [];
  }

  /** Rings after `delayMs` (any finite span; a negative one rings at the next turn of the loop). */
  after(delayMs: number, ring: () => void): Alarm {
    return this.at(this.clock.nowMs() + delayMs, ring);
  }

  /** Rings at a time of {@link Clock.nowMs}. */
  at(atMs: number, ring: () => void): Alarm {
    const entry = new Entry(this, atMs, ring);
    this.push(entry);
    if (atMs < this.armedForMs) this.arm(atMs);
    return entry;
  }

  /** Told by an alarm that it was called off. */
  cancelled(): void {
    this.cancelledCount++;
    if (this.cancelledCount > SWEEP_ABOVE && this.cancelledCount * 2 > this.heap.length) this.sweep();
  }

  private sweep(): void {
    const live = this.heap.filter(entry => entry.ring).sort((a, b) => a.atMs - b.atMs);
    this.heap = live; // A sorted array is a valid heap.
    this.cancelledCount = 0;
  }

  private arm(atMs: number): void {
    clearTimeout(this.timer);
    this.armedForMs = atMs;
    if (atMs === Infinity) return;
    const delayMs = Math.min(Math.max(0, Math.ceil(atMs - this.clock.nowMs())), TIMER_MAX_MS);
    this.timer = this.context.runInAsyncScope(() => setTimeout(() => this.ringDue(), delayMs));
  }

  private ringDue(): void {
    const nowMs = this.clock.nowMs();
    this.armedForMs = Infinity;
    try {
      for (let head = this.heap[0]; head && (!head.ring || head.atMs <= nowMs); head = this.heap[0]) {
        this.pop();
        const { ring } = head;
        head.ring = undefined;
        if (ring) ring();
        else this.cancelledCount--;
      }
    } finally {
      // Also when a ring threw: the others must still come.
      this.arm(this.heap[0]?.atMs ?? Infinity);
    }
  }

  private push(entry: Entry): void {
    let at = this.heap.length;
    this.heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.entry(parent).atMs <= entry.atMs) break;
      this.heap[at] = this.entry(parent);
      at = parent;
    }
    this.heap[at] = entry;
  }

  private pop(): void {
    const last = this.heap.pop();
    if (!last || this.heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < this.heap.length; child = 2 * at + 1) {
      if (child + 1 < this.heap.length && this.entry(child + 1).atMs < this.entry(child).atMs) child++;
      if (this.entry(child).atMs >= last.atMs) break;
      this.heap[at] = this.entry(child);
      at = child;
    }
    this.heap[at] = last;
  }

  private entry(index: number): Entry {
    return this.heap[index] as Entry; // Callers stay within the heap's length.
  }
}
