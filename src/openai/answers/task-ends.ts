import { Injectable } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { EventLog } from '../../tasks/events/event-log.port';

/** Waits for ends of tasks that nobody reads meanwhile. */
@Injectable()
export class TaskEnds {
  constructor(private readonly log: EventLog) {}

  /** Resolves once the end of the task can be told; at once for one whose log is not here: it has ended. */
  until(taskId: string): Promise<void> {
    return new Promise(resolve => {
      const held = new Subscription();
      const settle = (): void => {
        held.unsubscribe();
        resolve();
      };
      const look = (): void => {
        const tail = this.log.tail(taskId);
        const judge = (found: Exclude<typeof tail, Promise<unknown>>): void => {
          if (found?.terminal ?? true) settle();
        };
        if (tail instanceof Promise)
          tail.then(judge).catch(() => undefined); // The wait goes on.
        else judge(tail);
      };
      held.add(this.log.follow(taskId).subscribe({ next: look, complete: settle }));
      look();
    });
  }
}
