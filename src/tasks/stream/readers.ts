import { Injectable } from '@nestjs/common';
import { TurnoverMap } from '../../collections/turnover-map';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import { Finisher } from '../ending/finisher';
import { TaskLedger, type LiveTask } from '../ledger/task-ledger.port';
import type { TaskSpec } from '../task/task';

interface Audience {
  readers: number;
  /** The end after the last reader left. */
  detach: Alarm | undefined;
}

/** Knows who reads a task, and ends one with `on_disconnect: cancel` a grace after its last reader left. */
@Injectable()
export class Readers {
  /** Of tasks that somebody reads, or whose last reader left less than a grace ago. */
  private readonly audiences = new TurnoverMap<string, Audience>();

  constructor(
    private readonly config: Config,
    private readonly alarms: Alarms,
    private readonly ledger: TaskLedger,
    private readonly finisher: Finisher,
    private readonly narrator: Narrator,
  ) {}

  /** Call what is returned, once, when the reader leaves; with false where it was sent away, and has not left by itself. */
  attach(spec: TaskSpec): (byItself?: boolean) => void {
    const audience = this.audiences.get(spec.taskId) ?? { readers: 0, detach: undefined };
    this.audiences.set(spec.taskId, audience);
    audience.readers++;
    audience.detach?.cancel();
    return (byItself = true) => this.left(spec, audience, byItself);
  }

  private left({ taskId, onDisconnect }: TaskSpec, audience: Audience, byItself: boolean): void {
    audience.readers--;
    if (audience.readers > 0) return;
    const task = byItself && onDisconnect === 'cancel' ? this.ledger.find(taskId) : undefined;
    if (!(task instanceof Promise)) {
      this.leftAlone(taskId, audience, task);
      return;
    }
    const fields = { event: 'task_not_cancelled', job_id: taskId };
    const looked = task.then(found => audience.readers === 0 && this.leftAlone(taskId, audience, found));
    void this.narrator.attend(looked, 'Whether a task whose readers left still runs is not known.', fields);
  }

  /** @param task undefined too where it need not end with its readers */
  private leftAlone(taskId: string, audience: Audience, task: LiveTask | undefined): void {
    if (!task || task.isEnding) {
      this.audiences.delete(taskId);
      return;
    }
    // It may have been left twice while the ledger was asked: both answers come here.
    audience.detach?.cancel();
    audience.detach = this.alarms.after(this.config.detachGraceMs, () => {
      this.audiences.delete(taskId);
      const cancelled = this.finisher.cancel(
        taskId,
        { state: 'cancelled', error: new ServiceError('CANCELLED') },
        'disconnect',
      );
      void this.narrator.attend(cancelled, 'A task whose readers left could not be cancelled.', {
        event: 'task_not_cancelled',
        job_id: taskId,
      });
    });
  }
}
