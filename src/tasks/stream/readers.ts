import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { Alarms } from '../../time/alarms';
import { Canceller } from '../ending/canceller';
import type { LiveTask } from '../live/live-task';

/** Knows who reads a task, and ends one with `on_disconnect: cancel` a grace after its last reader left. */
@Injectable()
export class Readers {
  constructor(
    private readonly config: Config,
    private readonly alarms: Alarms,
    private readonly canceller: Canceller,
  ) {}

  /** Call what is returned, once, when the reader leaves. */
  attach(task: LiveTask): () => void {
    task.readers++;
    task.detach?.cancel();
    task.detach = undefined;
    return () => this.left(task);
  }

  private left(task: LiveTask): void {
    task.readers--;
    if (task.readers > 0 || task.ending || task.spec.onDisconnect !== 'cancel') return;
    task.detach = this.alarms.after(this.config.detachGraceMs, () => {
      // Not found only when the record has expired meanwhile: then there is nothing left to cancel.
      this.canceller.cancel(task.id, 'disconnect').catch(() => undefined);
    });
  }
}
