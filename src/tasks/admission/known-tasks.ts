import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { SessionBudgets } from '../accounts/session-budgets';
import { TaskJournal, type JournalRecord } from '../journal/task-journal.port';
import { LiveTasks } from '../live/live-tasks';
import type { TaskUsage } from '../task';
import type { Admission } from './admission';

/** Answers a task that was admitted before as it was answered then. */
@Injectable()
export class KnownTasks {
  constructor(
    private readonly live: LiveTasks,
    private readonly journal: TaskJournal,
    private readonly budgets: SessionBudgets,
  ) {}

  /** Among those that have not ended. @throws ServiceError TASK_CONFLICT when the id is taken by another request */
  async findLive(taskId: string, requestHash: string): Promise<Admission | undefined> {
    const task = this.live.find(taskId);
    return task && this.answer(task, requestHash);
  }

  /** Among all that are remembered. @throws ServiceError TASK_CONFLICT when the id is taken by another request */
  async find(taskId: string, requestHash: string): Promise<Admission | undefined> {
    const record = await this.journal.find(taskId);
    return record && this.answer(record, requestHash, record.ending?.usage);
  }

  private async answer(
    { spec, facts }: Pick<JournalRecord, 'spec' | 'facts'>,
    requestHash: string,
    used?: TaskUsage,
  ): Promise<Admission> {
    if (facts.requestHash !== requestHash) throw new ServiceError('TASK_CONFLICT', { field: 'task_id' });
    return { spec, facts, remaining: await this.budgets.remainingFor(spec, used) };
  }
}
