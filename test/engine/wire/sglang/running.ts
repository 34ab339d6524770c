/** The requests that run or wait, by their ids, so that they can be aborted. */
export class RunningRequests {
  private readonly running = new Map<string, AbortController>();

  has(rid: string): boolean {
    return this.running.has(rid);
  }

  async during(rid: string, serve: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const aborting = new AbortController();
    this.running.set(rid, aborting);
    try {
      await serve(aborting.signal);
    } finally {
      this.running.delete(rid);
    }
  }

  /** Matches by prefix, as the scheduler does: aborting `req-1` also ends `req-10`. */
  abort(prefix: string): void {
    for (const [rid, aborting] of this.running) {
      if (rid.startsWith(prefix)) aborting.abort(new Error('aborted by route'));
    }
  }
}
