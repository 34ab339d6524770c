import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, merge, type Subscription } from 'rxjs';
import { Narrator } from '../../observability/narrator';
import type { Lease } from '../../pools/pool';
import { PlacementService } from '../../pools/placement.service';
import { PoolRegistry } from '../../pools/pool-registry.port';
import { SessionStore, type SessionView } from '../../sessions/session-store.port';
import { Clock } from '../../time/clock';
import { LiveTasks } from '../live/live-tasks';
import type { LiveTask } from '../live/live-task';
import { TaskQueue } from '../queue/task-queue.port';
import { Attempts } from './attempts';
import { DispatchSignal } from './dispatch-signal';

/**
 * Brings queued tasks and free slots together, whenever a task arrives, a slot frees, or a pool changes. It looks only at the
 * heads of the lanes, in their order, and never waits for a reader: work starts as soon as it can.
 */
@Injectable()
export class Dispatcher implements OnModuleInit, OnModuleDestroy {
  private wakes: Subscription | undefined;
  private running = false;
  private again = false;
  private stopped = false;

  constructor(
    private readonly queue: TaskQueue,
    private readonly live: LiveTasks,
    private readonly placement: PlacementService,
    private readonly pools: PoolRegistry,
    private readonly sessions: SessionStore,
    private readonly attempts: Attempts,
    private readonly signal: DispatchSignal,
    private readonly narrator: Narrator,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    // Emitting on wake$ or changes$ makes one pass over the lanes; emissions during a pass make one more after it.
    const changes$ = this.pools.changes$.pipe(filter(change => change.kind !== 'unbound'));
    this.wakes = merge(this.signal.wake$, changes$).subscribe(() => void this.pass());
  }

  onModuleDestroy(): void {
    this.stop();
  }

  /** Starts nothing more; what runs goes on. */
  stop(): void {
    this.stopped = true;
    this.wakes?.unsubscribe();
  }

  private async pass(): Promise<void> {
    this.again = true;
    if (this.running) return;
    this.running = true;
    try {
      while (this.again && !this.stopped) {
        this.again = false;
        // After a start the lanes are looked at anew: the next task in order may be in any of them.
        while (await this.startFirst()) if (this.stopped) return;
      }
    } catch (cause) {
      this.narrator.fail('A dispatch pass failed; the next one goes on.', { event: 'dispatch_failed' }, cause);
    } finally {
      this.running = false;
    }
  }

  /** Starts the first task in order that some free slot can run; false when there is none. */
  private async startFirst(): Promise<boolean> {
    for (const { id, head } of await this.queue.lanes()) {
      const warm = await this.lastReplicaOf(head.taskId);
      const lease = await this.placement.acquire(head.constraints, {
        ...(warm && { warm }),
        avoid: this.live.find(head.taskId)?.avoidedAt(this.clock.nowMs()) ?? none,
      });
      if (!lease) continue;
      const task = await this.takeFrom(id, lease);
      if (task) this.start(task, lease, task.id === head.taskId ? warm : undefined);
      return true;
    }
    return false;
  }

  /**
   * Takes the head of a lane off the queue. It may be another one by now: it has the same right to the slot. Where there is none,
   * or it is being ended, the slot is given back.
   */
  private async takeFrom(laneId: string, lease: Lease): Promise<LiveTask | undefined> {
    try {
      const entry = await this.queue.take(laneId);
      const task = entry && this.live.find(entry.taskId);
      if (task && this.live.advance(task, 'dispatching')) return task;
    } catch (cause) {
      lease.release();
      throw cause;
    }
    lease.release();
    return undefined;
  }

  private start(task: LiveTask, lease: Lease, warm: SessionView['lastReplica']): void {
    task.warm = warm?.poolId === lease.poolId && warm.replicaId === lease.replicaId;
    this.attempts.start(task, lease);
    if (task.spec.ownSession) return;
    const { sessionId } = task.spec;
    void this.narrator.attend(
      this.sessions.placed(sessionId, lease.poolId, lease.replicaId),
      'Where a session ran last could not be kept.',
      { event: 'session_not_placed', session_id: sessionId, job_id: task.id },
    );
  }

  private async lastReplicaOf(taskId: string): Promise<SessionView['lastReplica']> {
    const task = this.live.find(taskId);
    return !task || task.spec.ownSession ? undefined : (await this.sessions.open(task.spec.sessionId)).lastReplica;
  }
}

const none: ReadonlySet<string> = new Set();
