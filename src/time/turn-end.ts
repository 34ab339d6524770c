import { AsyncResource } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';

/**
 * Work that is done once in a turn of the event loop, after all sockets that had something to read were read.
 *
 * Tokens of many streams arrive together. Decoding them all before the first is written, and then writing to all readers one
 * after the other, costs each reader one write for whatever came, and finds the processes on the other side awake: waking one
 * for each token costs several times what the write does.
 */
@Injectable()
export class TurnEnd {
  private readonly jobs: (() => void)[] = [];
  /** Index of the job that runs next: those before it have run. */
  private next = 0;
  /** The end of this turn is asked for, or under way. */
  private armed = false;
  /** Jobs run in a context of their own, not in that of the request which happened to ask first. */
  private readonly context = new AsyncResource('TurnEnd');

  /** Runs `job` at the end of this turn, after those that were given before it; one given by a job is of the same turn. */
  do(job: () => void): void {
    this.jobs.push(job);
    if (this.armed) return;
    this.armed = true;
    this.context.runInAsyncScope(setImmediate, undefined, this.run);
  }

  private readonly run = (): void => {
    const { jobs } = this;
    try {
      // Jobs may add more: the length is looked at each time.
      while (this.next < jobs.length) (jobs[this.next++] as () => void)();
      jobs.length = 0;
      this.next = 0;
      this.armed = false;
    } finally {
      // Still armed only where a job threw: those after it run at the end of the next turn.
      if (this.armed) this.context.runInAsyncScope(setImmediate, undefined, this.run);
    }
  };
}
