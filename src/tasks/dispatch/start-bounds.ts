import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { PlacementService } from '../../pools/placement/placement.service';
import { Alarms } from '../../time/alarms';
import { Finisher } from '../ending/finisher';
import { TaskLedger } from '../ledger/task-ledger.port';
import { Backoff } from '../queue/backoff';
import type { AdmissionFacts, TaskSpec } from '../task/task';

const RETRY_UNAVAILABLE_MS = 5000;

/** Tasks whose clients wait for their start for so long and no longer. */
@Injectable()
export class StartBounds {
  constructor(
    private readonly ledger: TaskLedger,
    private readonly placement: PlacementService,
    private readonly backoff: Backoff,
    private readonly alarms: Alarms,
    private readonly finisher: Finisher,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Ends the task where it is still queued after `waitMs`; at once where that is 0, or a measured pace says that it will be. Whoever
   * reads it learns why from its last event.
   */
  async bound(
    { spec, facts }: { readonly spec: TaskSpec; readonly facts: AdmissionFacts },
    waitMs: number,
  ): Promise<void> {
    const { taskId, deadlineMs } = spec;
    if (!(await this.isQueued(taskId))) return;
    const { basis, earliestMs } = facts.predictedStart;
    if (waitMs === 0 || (basis === 'measured' && earliestMs > waitMs)) return this.end(spec, waitMs);
    // Its deadline ends it before a later one would.
    if (waitMs >= deadlineMs) return;
    this.alarms.after(waitMs, () => {
      const human = `Task ${taskId} has waited for longer than its client does, and could not be ended.`;
      void this.narrator.attend(this.end(spec, waitMs), human, { event: 'task_not_ended', job_id: taskId });
    });
  }

  private async end(spec: TaskSpec, waitMs: number): Promise<void> {
    if (!(await this.isQueued(spec.taskId))) return;
    await this.finisher.cancel(spec.taskId, { state: 'expired', error: this.refusal(spec, waitMs) });
  }

  private async isQueued(taskId: string): Promise<boolean> {
    return (await this.ledger.find(taskId))?.state === 'queued';
  }

  private refusal({ constraints }: TaskSpec, waitMs: number): ServiceError {
    const isServed = this.placement.assess(constraints).verdict === 'ready';
    if (!isServed) {
      const message = `No engine that can run this was ready within ${waitMs} ms.`;
      return new ServiceError('POOL_UNAVAILABLE', { field: 'model_ref', message, retryAfterMs: RETRY_UNAVAILABLE_MS });
    }
    const message = waitMs === 0 ? 'It would have to wait.' : `It would have to wait for more than ${waitMs} ms.`;
    return new ServiceError('ADMISSION_REJECT', { message, retryAfterMs: this.backoff.adviseMs() });
  }
}
