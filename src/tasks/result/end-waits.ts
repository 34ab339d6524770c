import type { ServerResponse } from 'node:http';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import type { MaybeLater } from '../../time/maybe-later';
import { Fallback } from '../dispatch/fallback';
import { EventLog } from '../events/event-log.port';
import { Readers } from '../stream/readers';
import type { TaskSpec } from '../task/task';
import { watchClient } from './client-watch';

type WaitEnd = 'ended' | 'time is up' | 'client left';

/**
 * Requests that wait for the end of a task. Who waits is a reader, as one who has opened its stream: the fallback policy may have a
 * stand-in answer it, and whoever leaves meanwhile has left. One whose time is up has not: it is told, and can come back.
 */
@Injectable()
export class EndWaits implements OnModuleDestroy {
  /** Ends each wait as if its time were up. */
  private readonly open = new Set<() => void>();

  constructor(
    private readonly log: EventLog,
    private readonly readers: Readers,
    private readonly fallback: Fallback,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** The service closes: nobody is kept waiting. */
  onModuleDestroy(): void {
    for (const end of [...this.open]) end();
  }

  /** Resolves to true once the task has ended and its end can be told; to false when the time is up or the client leaves. */
  async wait(spec: TaskSpec, waitMs: number, response: ServerResponse): Promise<boolean> {
    if (await this.hasEnded(spec.taskId)) return true;
    const leave = this.readers.attach(spec);
    void this.narrator.attend(this.fallback.onStreamOpened(spec.taskId), 'The stand-in could not take a task over.', {
      event: 'fallback_failed',
      job_id: spec.taskId,
    });
    const outcome = await this.outcome(spec.taskId, waitMs, response);
    leave(outcome === 'client left');
    return outcome === 'ended';
  }

  private outcome(taskId: string, waitMs: number, response: ServerResponse): Promise<WaitEnd> {
    return new Promise(resolve => {
      const held = new Subscription();
      const settle = (outcome: WaitEnd): void => {
        held.unsubscribe();
        resolve(outcome);
      };
      const end = (): void => settle('time is up');
      // Woken for every batch of tokens: at once where the log is at hand, so that it costs those next to nothing.
      const look = (): void => {
        const ended = this.hasEnded(taskId);
        if (ended === true) settle('ended');
        else if (ended !== false) ended.then(isSo => isSo && settle('ended')).catch(() => undefined); // The wait goes on.
      };
      this.open.add(end);
      held.add(() => this.open.delete(end));
      const alarm = this.alarms.after(waitMs, end);
      held.add(() => alarm.cancel());
      held.add(watchClient(response, () => settle('client left')));
      held.add(this.log.follow(taskId).subscribe({ next: look, complete: () => settle('ended') }));
      look();
    });
  }

  /** A log that is not here is that of an ended task. */
  private hasEnded(taskId: string): MaybeLater<boolean> {
    const tail = this.log.tail(taskId);
    return tail instanceof Promise ? tail.then(found => found?.terminal ?? true) : (tail?.terminal ?? true);
  }
}
