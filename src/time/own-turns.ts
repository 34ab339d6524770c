/**
 * Turns of the event loop for long steps of work: each that waits gets one of its own, in the order they came, so that however many
 * there are, everything else waits for one of them at most.
 */
export class OwnTurns {
  private readonly waiting: (() => void)[] = [];

  /** Resolves in a turn that nobody else gets from here; what is done before the next promise is done in that turn. */
  next(): Promise<void> {
    return new Promise(resolve => {
      if (this.waiting.push(resolve) === 1) setImmediate(this.give);
    });
  }

  private readonly give = (): void => {
    this.waiting.shift()?.();
    // Asked for here it comes in the next turn, after whatever else is due.
    if (this.waiting.length > 0) setImmediate(this.give);
  };
}

/**
 * Runs `job` a turn of the event loop later than what this turn leaves to its end (see turn-end.ts): for what somebody waits for, but less urgently
 * than for what is sent there. It waits for no time to pass.
 */
export function afterTurnEnds(job: () => void): void {
  setImmediate(setImmediate, job);
}
