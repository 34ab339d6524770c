import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { settledEnding } from '../task/storing-transcript';
import { TaskRecords, type RecordQuery, type TaskRecord } from '../ledger/task-records.port';

/** Finds tasks, live and ended. */
@Injectable()
export class TaskLookup {
  constructor(
    private readonly records: TaskRecords,
    private readonly lifecycle: Lifecycle,
  ) {}

  /**
   * One that has just ended once it is known whether its transcript is stored.
   * @throws ServiceError TASK_NOT_FOUND, or NOT_READY while the tasks of the process before are not live again yet
   */
  async get(taskId: string): Promise<TaskRecord> {
    return settled(await this.getAtOnce(taskId));
  }

  /** As {@link get}, without waiting: one whose transcript is being stored has that, and its ending does not name it yet. */
  async getAtOnce(taskId: string): Promise<TaskRecord> {
    this.lifecycle.assertStarted();
    const record = await this.records.find(taskId);
    if (!record) throw new ServiceError('TASK_NOT_FOUND');
    return record;
  }

  /** By number of admission, newest first; each as {@link get} has it. */
  async list(query: RecordQuery): Promise<readonly TaskRecord[]> {
    return Promise.all((await this.records.list(query)).map(settled));
  }
}

async function settled(found: TaskRecord): Promise<TaskRecord> {
  const { transcript, ...record } = found;
  if (!transcript || !record.ending) return found;
  return { ...record, ending: await settledEnding(record.ending, transcript) };
}
