import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { DispatchSignal } from '../dispatch/dispatch-signal';
import { Finisher } from '../ending/finisher';
import { TaskQueue } from '../queue/task-queue.port';
import { EventLog } from '../stream/event-log.port';
import type { LiveTask } from './live-task';
import { LiveTasks } from './live-tasks';

/** Makes a durable task live: its log, its deadline, and its turn in the queue. */
@Injectable()
export class Enrolment {
  constructor(
    private readonly live: LiveTasks,
    private readonly log: EventLog,
    private readonly queue: TaskQueue,
    private readonly alarms: Alarms,
    private readonly finisher: Finisher,
    private readonly signal: DispatchSignal,
    private readonly narrator: Narrator,
  ) {}

  /** The task holds its place already (from an offer). */
  async enrol(task: LiveTask): Promise<void> {
    this.begin(task);
    await this.queue.confirm(task.id);
    this.signal.wake();
  }

  /** The task comes from the journal and takes the place its key gives it. */
  async restore(task: LiveTask): Promise<void> {
    this.begin(task);
    await this.queue.restore(task.entry);
    this.signal.wake();
  }

  private begin(task: LiveTask): void {
    this.log.open(task.id);
    this.live.add(task);
    task.deadline = this.alarms.at(task.deadlineAtMs, () => {
      void this.narrator.attend(this.expire(task), 'A task whose deadline passed could not be ended.', {
        event: 'task_not_expired',
        job_id: task.id,
      });
    });
  }

  private async expire(task: LiveTask): Promise<void> {
    const last = task.lastFailure;
    const reason = last ? `; what the last engine said: ${last.message}` : '.';
    const error =
      task.state === 'queued'
        ? new ServiceError('DEADLINE_UNMET', {
            message: `The deadline passed while the task waited${reason}`,
            ...(last?.details.engine !== undefined && { engine: last.details.engine }),
          })
        : new ServiceError('DECODE_TIMEOUT', { message: 'The deadline passed while the task ran.' });
    await this.finisher.finish(task, { state: 'expired', error });
  }
}
