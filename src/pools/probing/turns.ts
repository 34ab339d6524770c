import { AsyncResource } from 'node:async_hooks';

interface Turn {
  readonly job: () => Promise<void>;
  readonly done: Promise<void>;
  readonly finish: () => void;
}

/**
 * Runs one job at a time for each key, and at most `limit` over all keys. What waits is one turn for each key, however often
 * it was asked for, so that slow jobs cannot pile up. A job must not reject.
 */
export class Turns {
  private readonly running = new Set<string>();
  /** First come, first served. */
  private readonly waiting = new Map<string, Turn>();

  constructor(private readonly limit: number) {}

  /** Whether a turn of this key waits or runs. */
  isTaken(key: string): boolean {
    return this.running.has(key) || this.waiting.has(key);
  }

  /** Resolves once a run that began after this call is over. */
  take(key: string, job: () => Promise<void>): Promise<void> {
    const known = this.waiting.get(key);
    if (known) return known.done;
    let finish = (): void => undefined;
    const done = new Promise<void>(resolve => (finish = resolve));
    // Started by whoever makes room, but in the context of the request that asked: its id is on the log lines.
    this.waiting.set(key, { job: AsyncResource.bind(job), done, finish });
    this.start();
    return done;
  }

  private start(): void {
    for (const [key, turn] of this.waiting) {
      if (this.running.size >= this.limit) return;
      if (this.running.has(key)) continue;
      this.waiting.delete(key);
      this.running.add(key);
      void turn.job().finally(() => {
        this.running.delete(key);
        turn.finish();
        this.start();
      });
    }
  }
}
