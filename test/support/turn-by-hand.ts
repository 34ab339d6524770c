import { TurnEnd } from '../../src/time/turn-end';

/** The turn of the event loop ends when the test says so. */
export class TurnByHand extends TurnEnd {
  private readonly due: (() => void)[] = [];

  override do(job: () => void): void {
    this.due.push(job);
  }

  /** As in {@link TurnEnd}, what a job gives meanwhile is of the same turn. */
  end(): void {
    for (let job = this.due.shift(); job; job = this.due.shift()) job();
  }
}
