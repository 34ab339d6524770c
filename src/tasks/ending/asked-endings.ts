import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { Narrator } from '../../observability/narrator';
import { TaskLedger } from '../ledger/task-ledger.port';
import { Finisher } from './finisher';

/** Ends tasks that this node runs and another node was asked to end. */
@Injectable()
export class AskedEndings implements OnModuleInit, OnModuleDestroy {
  private asked: Subscription | undefined;

  constructor(
    private readonly ledger: TaskLedger,
    private readonly finisher: Finisher,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    this.asked = this.ledger.asked$.subscribe(({ taskId, draft }) => {
      void this.narrator.attend(
        this.finisher.cancel(taskId, draft),
        'A task that was to end here could not be ended.',
        {
          event: 'task_not_ended',
          job_id: taskId,
        },
      );
    });
  }

  onModuleDestroy(): void {
    this.asked?.unsubscribe();
  }
}
