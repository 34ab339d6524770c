import { abortable } from './abortable';

/** A sequence that fell this far behind its rate (the process was stopped) goes on from now instead of catching up. */
const GIVE_UP_CATCHING_UP_MS = 250;
/** Tokens at once of a sequence that is not paced, before others get their turn. */
const UNPACED_BATCH_TOKENS = 32;

interface Waiting {
  readonly untilMs: number;
  readonly resolve: () => void;
}

/**
 * The one timer behind all waiting in the engine: however many sequences run, one timeout is armed, for the nearest of
 * them. Times are of `performance.now()`.
 */
export class Pacer {
  private readonly waiting = new Set<Waiting>();
  private armedForMs = Infinity;
  private timer: NodeJS.Timeout | NodeJS.Immediate | undefined;

  /** Resolves at that time, never in the same turn of the event loop; rejects with the signal's reason. */
  until(untilMs: number, signal: AbortSignal): Promise<void> {
    return abortable<void>(signal, resolve => {
      const entry: Waiting = { untilMs, resolve };
      this.waiting.add(entry);
      if (untilMs < this.armedForMs) this.arm(untilMs);
      return () => this.waiting.delete(entry);
    });
  }

  delay(ms: number, signal: AbortSignal): Promise<void> {
    return this.until(performance.now() + ms, signal);
  }

  stop(): void {
    this.disarm();
    this.waiting.clear();
  }

  private arm(forMs: number): void {
    this.disarm();
    if (forMs === Infinity) return;
    this.armedForMs = forMs;
    const delayMs = forMs - performance.now();
    this.timer = delayMs <= 0 ? setImmediate(() => this.fire()) : setTimeout(() => this.fire(), delayMs);
  }

  private disarm(): void {
    clearTimeout(this.timer as NodeJS.Timeout);
    clearImmediate(this.timer as NodeJS.Immediate);
    this.armedForMs = Infinity;
  }

  private fire(): void {
    this.armedForMs = Infinity;
    const nowMs = performance.now();
    let nearestMs = Infinity;
    for (const entry of this.waiting) {
      if (entry.untilMs <= nowMs) {
        this.waiting.delete(entry);
        entry.resolve();
      } else if (entry.untilMs < nearestMs) {
        nearestMs = entry.untilMs;
      }
    }
    this.arm(nearestMs);
  }
}

/**
 * The rhythm of one sequence. Tokens are due at multiples of the interval from its start, so lateness of one timer does
 * not add up: what a late timer missed is due at once with the next.
 */
export class Cadence {
  private nextMs = performance.now();

  constructor(
    private readonly pacer: Pacer,
    /** Asked each time, so that the rate may change while the sequence runs. */
    private readonly tokensPerSecond: () => number,
    private readonly signal: AbortSignal,
  ) {}

  /** Resolves when at least one token is due, with how many are; never more than `atMost`. */
  async due(atMost: number): Promise<number> {
    await this.pacer.until(this.nextMs, this.signal);
    const rate = this.tokensPerSecond();
    const nowMs = performance.now();
    if (rate <= 0) {
      this.nextMs = nowMs;
      return Math.min(UNPACED_BATCH_TOKENS, atMost);
    }
    if (nowMs - this.nextMs > GIVE_UP_CATCHING_UP_MS) this.nextMs = nowMs;
    const intervalMs = 1000 / rate;
    const count = Math.min(Math.floor((nowMs - this.nextMs) / intervalMs) + 1, atMost);
    this.nextMs += count * intervalMs;
    return count;
  }
}
