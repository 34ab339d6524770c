import { TurnEnd } from '../../src/time/turn-end';

/** The turn of the event loop ends when the test says so. */
export class TurnByHand extends TurnEnd {
  private due: (() => void)[] = [];

  override do(job: () => void): void {
    this.due.push(job);
  }

  /** What is given meanwhile is of the next turn. */
  end(): void {
    for (const job of this.due.splice(0)) job();
  }
}
