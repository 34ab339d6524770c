import type { ServerResponse } from 'node:http';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { EventLog } from '../../tasks/events/event-log.port';
import { watchClient } from '../../tasks/result/client-watch';
import { Alarms } from '../../time/alarms';

/** `output`: the log has events (a task that has none yet has put nothing out, and has not ended). */
export type Awaited = 'output' | 'end';
export type WaitOutcome = 'there' | 'time is up' | 'client left' | 'closing';

/** Requests that wait for the first output of a task, or for its end. */
@Injectable()
export class LogWaits implements OnModuleDestroy {
  private readonly open = new Set<() => void>();

  constructor(
    private readonly log: EventLog,
    private readonly alarms: Alarms,
  ) {}

  onModuleDestroy(): void {
    for (const end of [...this.open]) end();
  }

  /** @param waitMs undefined: for as long as it takes */
  until(awaited: Awaited, taskId: string, waitMs: number | undefined, response: ServerResponse): Promise<WaitOutcome> {
    return new Promise(resolve => {
      const held = new Subscription();
      const settle = (outcome: WaitOutcome): void => {
        held.unsubscribe();
        resolve(outcome);
      };
      const close = (): void => settle('closing');
      // Woken for every batch: at once where the log is at hand.
      const look = (): void => {
        const there = this.isThere(awaited, taskId);
        if (there === true) settle('there');
        else if (there !== false) there.then(isSo => isSo && settle('there')).catch(() => undefined); // The wait goes on.
      };
      this.open.add(close);
      held.add(() => this.open.delete(close));
      if (waitMs !== undefined) {
        const alarm = this.alarms.after(waitMs, () => settle('time is up'));
        held.add(() => alarm.cancel());
      }
      held.add(watchClient(response, () => settle('client left')));
      held.add(this.log.follow(taskId).subscribe({ next: look, complete: () => settle('there') }));
      look();
    });
  }

  /** A log that is not here is that of an ended task. */
  private isThere(awaited: Awaited, taskId: string): boolean | Promise<boolean> {
    const tail = this.log.tail(taskId);
    const judge = (found: Exclude<typeof tail, Promise<unknown>>): boolean =>
      !found || found.terminal || (awaited === 'output' && found.lastSeq > 0);
    return tail instanceof Promise ? tail.then(judge) : judge(tail);
  }
}
