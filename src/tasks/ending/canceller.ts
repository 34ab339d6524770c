import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { LiveTasks } from '../live/live-tasks';
import { TaskLookup } from '../lookup/task-lookup';
import { Finisher } from './finisher';

/** Cancels tasks wherever they are. */
@Injectable()
export class Canceller {
  constructor(
    private readonly live: LiveTasks,
    private readonly lookup: TaskLookup,
    private readonly finisher: Finisher,
  ) {}

  /**
   * Resolves once the task has ended: by this cancel, or because it had ended or was ending already.
   * @throws ServiceError TASK_NOT_FOUND
   */
  async cancel(taskId: string, reason: 'client' | 'disconnect'): Promise<void> {
    for (let task = this.live.find(taskId); task; task = this.live.find(taskId)) {
      const error = new ServiceError('CANCELLED');
      if (await this.finisher.finish(task, { state: 'cancelled', error, reason })) return;
      // Somebody else ends it; should that be taken back, the cancel still stands.
      await task.ending;
    }
    await this.lookup.get(taskId);
  }
}
