import type { Config } from '../../config/config';
import type { Recovery } from '../../tasks/journal/task-journal.port';
import type { Priority } from '../../tasks/task/task';
import type { RunningTime } from '../../time/running-time';

/** The static order of the queue: the running time at admission, and for a batch task so much as if it had come later. */
export class OrderKeys {
  constructor(
    private readonly config: Config,
    private readonly runningTime: RunningTime,
  ) {}

  /** Of a task that is admitted now. */
  of(priority: Priority): number {
    return this.runningTime.nowMs() + this.headStartMs(priority);
  }

  /** Time goes on behind all that the process before has stamped with it. */
  resume({ live, lastKeptMs }: Pick<Recovery, 'live' | 'lastKeptMs'>): void {
    if (lastKeptMs !== undefined) this.runningTime.resumeAfter(lastKeptMs);
    for (const { spec, facts } of live) this.runningTime.resumeAfter(facts.orderKey - this.headStartMs(spec.priority));
  }

  /** That much interactive tasks have over those of this class. */
  private headStartMs(priority: Priority): number {
    return priority === 'batch' ? this.config.batchAgeingMs : 0;
  }
}
