import { Injectable } from '@nestjs/common';
import type { TaskState } from '../task';
import type { LiveState, LiveTask } from './live-task';

/** Which state may follow which; an ending may follow any. */
const successors: Readonly<Record<LiveState, readonly LiveState[]>> = {
  queued: ['dispatching'],
  dispatching: ['streaming', 'queued'],
  streaming: [],
};

/**
 * The tasks that have not ended, and the one place where their states change.
 *
 * Everything that could race (a cancel, a deadline, an engine's last frame, an eviction, a leaving client) comes through
 * {@link claimEnd}: it is one synchronous step, so exactly one of them ends the task, and everybody else can wait for that.
 */
@Injectable()
export class LiveTasks {
  private readonly tasks = new Map<string, LiveTask>();

  get size(): number {
    return this.tasks.size;
  }

  add(task: LiveTask): void {
    this.tasks.set(task.id, task);
  }

  find(taskId: string): LiveTask | undefined {
    return this.tasks.get(taskId);
  }

  all(): IterableIterator<LiveTask> {
    return this.tasks.values();
  }

  inState(state: TaskState): LiveTask[] {
    return [...this.tasks.values()].filter(task => task.state === state);
  }

  /** Moves a task on; false when somebody is ending it, or the move is not one of {@link successors}. */
  advance(task: LiveTask, to: LiveState): boolean {
    if (task.ending || !successors[task.state].includes(to)) return false;
    task.state = to;
    return true;
  }

  /**
   * Claims the right to end a task: nothing but the claimant touches it from here on.
   * Undefined when somebody else has it; their {@link LiveTask.ending} can be awaited.
   */
  claimEnd(task: LiveTask): EndClaim | undefined {
    if (task.ending || this.tasks.get(task.id) !== task) return undefined;
    let settle = (): void => undefined;
    task.ending = new Promise(resolve => (settle = resolve));
    return {
      done: () => {
        this.tasks.delete(task.id);
        settle();
      },
      takeBack: () => {
        task.ending = undefined;
        settle();
      },
    };
  }
}

/** The exclusive right to end one task. */
export interface EndClaim {
  /** The task has ended and is live no more. */
  done(): void;
  /** The ending did not come about (an eviction whose admission failed): the task goes on as it was. */
  takeBack(): void;
}
