import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Finisher, type Eviction } from '../ending/finisher';
import { LiveTasks } from '../live/live-tasks';
import { TaskQueue, type QueueEntry } from '../queue/task-queue.port';
import { Backoff } from './backoff';

/** A place in the queue that was taken but not confirmed. */
export interface Place {
  readonly position: number;
  readonly lanePosition: number;
  /** The task that lost its place for this one, if any. */
  readonly eviction: Eviction | undefined;
  /** Gives the place up, and back to whom it was taken from. */
  withdraw(): Promise<void>;
}

/** Offers entries to the queue under the admission policy. */
@Injectable()
export class Offers {
  constructor(
    private readonly config: Config,
    private readonly queue: TaskQueue,
    private readonly live: LiveTasks,
    private readonly finisher: Finisher,
    private readonly backoff: Backoff,
  ) {}

  /** @throws ServiceError ADMISSION_REJECT when there is no place */
  async take(entry: QueueEntry): Promise<Place> {
    const outcome = await this.queue.offer(entry, this.dropsOldest);
    if (!outcome.ok) throw this.rejection(outcome.reason);
    const eviction = outcome.evicted && (await this.evict(outcome.evicted));
    return {
      position: outcome.position,
      lanePosition: outcome.lanePosition,
      eviction,
      withdraw: async () => {
        await this.queue.remove(entry.taskId);
        await eviction?.takeBack();
      },
    };
  }

  /** Under drop-lru, drops the task queued longest when the queue is full. */
  async makeRoom(): Promise<void> {
    if (!this.dropsOldest) return;
    const { interactive, batch } = this.queue.depth();
    if (interactive + batch < this.config.admissionCapacity) return;
    const entry = await this.queue.dropOldest();
    const task = entry && this.live.find(entry.taskId);
    if (task) await this.finisher.finish(task, { state: 'dropped', error: this.droppedError() });
  }

  private get dropsOldest(): boolean {
    return this.config.admissionPolicy === 'drop-lru';
  }

  private async evict(entry: QueueEntry): Promise<Eviction | undefined> {
    const task = this.live.find(entry.taskId);
    // Undefined where it is being ended by somebody else: it needs its place no more.
    return task && this.finisher.evict(task, this.droppedError());
  }

  private droppedError(): ServiceError {
    return new ServiceError('QUEUE_FULL_DROP_LRU', { policyLabel: this.config.admissionPolicy });
  }

  private rejection(reason: 'full' | 'lanes' | 'bytes'): ServiceError {
    return new ServiceError('ADMISSION_REJECT', {
      message: reasons[reason],
      policyLabel: this.config.admissionPolicy,
      retryAfterMs: this.backoff.adviseRefusedMs(),
    });
  }
}

const reasons = {
  full: 'The queue is full.',
  lanes: 'Queued tasks name too many different places; wait, or name fewer models, engines or pools.',
  bytes: 'Queued requests hold too much memory; wait, or send a shorter prompt.',
} as const;
