import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { TaskLedger } from '../ledger/task-ledger.port';
import { Finisher } from './finisher';

/** Ends tasks whose deadline has passed. */
@Injectable()
export class Deadlines implements OnModuleInit, OnModuleDestroy {
  private overdue: Subscription | undefined;

  constructor(
    private readonly ledger: TaskLedger,
    private readonly finisher: Finisher,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    this.overdue = this.ledger.overdue$.subscribe(taskId => {
      void this.narrator.attend(this.expire(taskId), 'A task whose deadline passed could not be ended.', {
        event: 'task_not_expired',
        job_id: taskId,
      });
    });
  }

  onModuleDestroy(): void {
    this.overdue?.unsubscribe();
  }

  private async expire(taskId: string): Promise<void> {
    const task = await this.ledger.find(taskId);
    const error =
      task?.state === 'queued'
        ? waitedTooLong(task.lastFailure)
        : new ServiceError('DECODE_TIMEOUT', { message: 'The deadline passed while the task ran.' });
    await this.finisher.cancel(taskId, { state: 'expired', error });
  }
}

function waitedTooLong(last: ServiceError | undefined): ServiceError {
  const reason = last ? `; what the last engine said: ${last.message}` : '.';
  return new ServiceError('DEADLINE_UNMET', {
    message: `The deadline passed while the task waited${reason}`,
    ...(last?.details.engine !== undefined && { engine: last.details.engine }),
  });
}
