import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import type { TaskRecord } from '../ledger/task-records.port';
import { TaskLookup } from '../lookup/task-lookup';
import type { TaskSpec } from '../task/task';
import { EndWaits } from './end-waits';
import { OutputReader, type OutputText } from './output-reader';

/** A task with the text it has put out, where that was asked for and is kept. */
export interface TaskResult {
  readonly record: TaskRecord;
  readonly output?: OutputText;
}

/** What became of tasks, for clients that read no stream. */
@Injectable()
export class TaskResults {
  constructor(
    private readonly lookup: TaskLookup,
    private readonly waits: EndWaits,
    private readonly outputs: OutputReader,
  ) {}

  /**
   * The task as it is once it has ended, or `waitMs` are over; at once with 0.
   * @throws ServiceError TASK_NOT_FOUND, NOT_READY
   */
  async get(taskId: string, withOutput: boolean, waitMs: number, response: ServerResponse): Promise<TaskResult> {
    const record = await this.lookup.get(taskId);
    if (waitMs === 0 || record.ending) return this.withOutput(record, withOutput);
    await this.waits.wait(record.spec, waitMs, response);
    return this.withOutput(await this.lookup.get(taskId), withOutput);
  }

  /** The ended task with its output; undefined when it has not ended by then, or is remembered no more. */
  async afterEnd(spec: TaskSpec, waitMs: number, response: ServerResponse): Promise<TaskResult | undefined> {
    if (!(await this.waits.wait(spec, waitMs, response))) return undefined;
    try {
      const record = await this.lookup.get(spec.taskId);
      return record.ending && (await this.withOutput(record, true));
    } catch (thrown) {
      if (thrown instanceof ServiceError && thrown.code === 'TASK_NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  private async withOutput(record: TaskRecord, isWanted: boolean): Promise<TaskResult> {
    const output = isWanted ? await this.outputs.read(record.spec) : undefined;
    return { record, ...(output && { output }) };
  }
}
