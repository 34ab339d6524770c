import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../meta/lifecycle';
import { EndingLedger } from '../ending/ending-ledger';
import { TaskJournal, type JournalQuery, type JournalRecord } from '../journal/task-journal.port';
import type { LiveTask } from '../live/live-task';
import { LiveTasks } from '../live/live-tasks';

/** A task as it is now: its record, and while it lives the live task itself. */
export interface FoundTask {
  readonly record: JournalRecord;
  readonly live?: LiveTask;
}

/** Finds tasks, live and ended. */
@Injectable()
export class TaskLookup {
  constructor(
    private readonly live: LiveTasks,
    private readonly journal: TaskJournal,
    private readonly ledger: EndingLedger,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** @throws ServiceError TASK_NOT_FOUND, or NOT_READY while the tasks of the process before are not live again yet */
  async get(taskId: string): Promise<FoundTask> {
    const task = this.live.find(taskId);
    if (task) return fromLive(task);
    this.lifecycle.assertStarted();
    const record = await this.journal.find(taskId);
    const found = record && this.withOwedEnding(record);
    // In the journal, neither live nor ended: its admission is not through, so nobody was told of it yet.
    if (!found?.record.ending) throw new ServiceError('TASK_NOT_FOUND');
    return found;
  }

  /** Newest admission first. */
  async list(query: JournalQuery): Promise<readonly FoundTask[]> {
    if (query.state === 'queued' || query.state === 'dispatching' || query.state === 'streaming')
      return this.listLive(query);
    const records = await this.journal.list(query);
    return records.map(record => {
      const task = this.live.find(record.spec.taskId);
      return task ? fromLive(task) : this.withOwedEnding(record);
    });
  }

  private listLive({ state, sessionId, after, limit }: JournalQuery): FoundTask[] {
    const tasks = [...this.live.all()].filter(
      task =>
        task.state === state &&
        (sessionId === undefined || task.spec.sessionId === sessionId) &&
        (after === undefined || isOlder(task, after)),
    );
    tasks.sort((a, b) => (isOlder(a, { admittedAtMs: b.facts.admittedAtMs, taskId: b.id }) ? 1 : -1));
    return tasks.slice(0, limit).map(fromLive);
  }

  private withOwedEnding(record: JournalRecord): FoundTask {
    const ending = record.ending ?? this.ledger.find(record.spec.taskId);
    return { record: ending ? { ...record, ending } : record };
  }
}

function fromLive(task: LiveTask): FoundTask {
  const { spec, facts, placement } = task;
  return { record: { spec, facts, firstTokenMarked: task.events > 0, ...(placement && { placement }) }, live: task };
}

/** Lists go by time of admission, then id, both descending. */
function isOlder(task: LiveTask, than: NonNullable<JournalQuery['after']>): boolean {
  const { admittedAtMs } = task.facts;
  return admittedAtMs < than.admittedAtMs || (admittedAtMs === than.admittedAtMs && task.id < than.taskId);
}
