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
    const { transcript, ...record } = await this.getAtOnce(taskId);
    return transcript && record.ending ? { ...record, ending: await settledEnding(record.ending, transcript) } : record;
  }

  /** As {@link get}, without waiting for its transcript: its ending may not name it yet. */
  async getAtOnce(taskId: string): Promise<TaskRecord> {
    this.lifecycle.assertStarted();
    const record = await this.records.find(taskId);
    if (!record) throw new ServiceError('TASK_NOT_FOUND');
    return record;
  }

  /** By number of admission, newest first. */
  list(query: RecordQuery): Promise<readonly TaskRecord[]> {
    return this.records.list(query);
  }
}
