import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import { TurnoverMap } from '../../collections/turnover-map';
import type { StoreTask } from './held-task';

/** The tasks that this node has the right to. Bounded by slots and by what it ends. */
@Injectable()
export class HeldTasks {
  private readonly tasks = new TurnoverMap<string, StoreTask>();
  private readonly gains = new Subject<StoreTask>();
  private readonly returns = new Subject<string>();
  private readonly losses = new Subject<string>();
  /** A task that this node writes for from now on. */
  readonly gained$ = this.gains.asObservable();
  /** One that was given back, having shown nothing. */
  readonly returned$ = this.returns.asObservable();
  /** One that somebody else has now: what was written here since may be known to nobody. */
  readonly lost$ = this.losses.asObservable();

  get(taskId: string): StoreTask | undefined {
    return this.tasks.get(taskId);
  }

  all(): IterableIterator<StoreTask> {
    return this.tasks.values();
  }

  gain(task: StoreTask): void {
    this.tasks.set(task.taskId, task);
    this.gains.next(task);
  }

  /** The task is not ours any more, and went back to where everybody finds it. */
  giveBack(task: StoreTask): void {
    if (this.remove(task)) this.returns.next(task.taskId);
  }

  lose(task: StoreTask): void {
    if (!this.remove(task)) return;
    task.claim?.close(true);
    this.losses.next(task.taskId);
    task.settleOver();
  }

  /** It has ended, and that is written. */
  remove(task: StoreTask): boolean {
    if (this.tasks.get(task.taskId) !== task) return false;
    return this.tasks.delete(task.taskId);
  }
}
