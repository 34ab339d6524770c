import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { TaskLookup } from '../lookup/task-lookup';
import { Finisher, type CancelReason } from './finisher';

/** Cancels tasks wherever they are. */
@Injectable()
export class Canceller {
  constructor(
    private readonly lookup: TaskLookup,
    private readonly finisher: Finisher,
  ) {}

  /**
   * Resolves once the task has ended: by this cancel, or because it had ended or was ending already.
   * @throws ServiceError TASK_NOT_FOUND
   */
  async cancel(taskId: string, reason: CancelReason): Promise<void> {
    const draft = { state: 'cancelled', error: new ServiceError('CANCELLED') } as const;
    for (;;) {
      const outcome = await this.finisher.cancel(taskId, draft, reason);
      if (outcome === true) return;
      if (!outcome) break;
      // Somebody else ends it; should that be taken back, the cancel still stands.
      await outcome.over;
    }
    await this.lookup.getAtOnce(taskId);
  }
}
