import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { SessionBudgets } from '../accounts/session-budgets';
import { TaskJournal } from '../journal/task-journal.port';
import type { Admission } from './admission';

/** Answers a task that was admitted before as it was answered then. */
@Injectable()
export class KnownTasks {
  constructor(
    private readonly journal: TaskJournal,
    private readonly budgets: SessionBudgets,
  ) {}

  /** @throws ServiceError TASK_CONFLICT when the id is taken by another request */
  async find(taskId: string, requestHash: string): Promise<Admission | undefined> {
    const record = await this.journal.find(taskId);
    if (!record) return undefined;
    if (record.facts.requestHash !== requestHash) throw new ServiceError('TASK_CONFLICT', { field: 'task_id' });
    return {
      spec: record.spec,
      facts: record.facts,
      remaining: await this.budgets.remainingFor(record.spec, record.ending?.usage),
    };
  }
}
