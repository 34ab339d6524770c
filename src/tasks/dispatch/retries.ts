import { Injectable } from '@nestjs/common';
import type { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { PlacementService } from '../../pools/placement.service';
import { Prober } from '../../pools/prober';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { Finisher } from '../ending/finisher';
import { TaskReporter } from '../ending/task-reporter';
import type { LiveTask } from '../live/live-task';
import { LiveTasks } from '../live/live-tasks';
import { TaskQueue } from '../queue/task-queue.port';
import type { Placement } from '../task';
import { DispatchSignal } from './dispatch-signal';
import { decideRetry } from './retry-policy';

/** Takes back a task whose attempt failed before any output: to its old place in the queue, or to its end. */
@Injectable()
export class Retries {
  constructor(
    private readonly live: LiveTasks,
    private readonly queue: TaskQueue,
    private readonly finisher: Finisher,
    private readonly prober: Prober,
    private readonly placement: PlacementService,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly signal: DispatchSignal,
    private readonly reporter: TaskReporter,
    private readonly narrator: Narrator,
  ) {}

  /** The attempt's slot is free already. */
  async takeBack(task: LiveTask, placement: Placement, error: ServiceError): Promise<void> {
    const { poolId, replicaId } = placement;
    this.prober.probeSoon(poolId, replicaId);
    task.lastFailure = error;
    if (error.code === 'ENGINE_BUSY') task.refusals++;
    const decision = decideRetry(error, task);
    if (!decision.retry) {
      await this.finisher.finish(task, { state: 'failed', error: decision.error });
      return;
    }
    const { delayMs, elsewhereMs, avoidMs, counts } = decision;
    task.avoid.set(`${poolId}/${replicaId}`, this.clock.nowMs() + avoidMs);
    const avoided = task.avoidedAt(this.clock.nowMs());
    const hasOther = await this.placement.hasPlaceBeside(task.spec.constraints, avoided);
    if (!this.live.advance(task, 'queued')) return;
    if (!counts) task.attempts--;
    task.placement = undefined;
    task.runningSinceMs = undefined;
    this.reporter.retried(task, placement, error, delayMs);
    task.retry = this.alarms.after(hasOther ? elsewhereMs : delayMs, () => {
      // Back in its place for the sake of another replica, it may come to this one once that can be asked again.
      if (hasOther) task.retry = this.alarms.after(delayMs - elsewhereMs, () => this.signal.wake());
      void this.narrator.attend(this.restore(task), 'A task could not go back to the queue.', {
        event: 'task_not_requeued',
        job_id: task.id,
      });
    });
  }

  private async restore(task: LiveTask): Promise<void> {
    if (task.ending) return;
    await this.queue.restore(task.entry);
    // An ending that began meanwhile may have looked for it in the queue too early.
    if (task.ending) await this.queue.remove(task.id);
    else this.signal.wake();
  }
}
