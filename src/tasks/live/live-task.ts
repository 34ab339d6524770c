import type { Subscription } from 'rxjs';
import type { ServiceError } from '../../errors/service-error';
import type { Spend } from '../../sessions/session-store.port';
import type { Alarm } from '../../time/alarms';
import type { AdmissionFacts, Placement, TaskSpec, TaskState } from '../task';
import type { QueueEntry } from '../queue/task-queue.port';

/** States of a task that has not ended. */
export type LiveState = Extract<TaskState, 'queued' | 'dispatching' | 'streaming'>;

/** A task between its admission and its end, with what its work holds. {@link LiveTasks} alone changes its state. */
export class LiveTask {
  state: LiveState = 'queued';
  /** Settles when an ending that has begun is through (or was taken back); undefined while nobody ends the task. */
  ending: Promise<void> | undefined;
  /** Attempts begun so far. */
  attempts = 0;
  placement: Placement | undefined;
  /** {@link Clock.nowMs} at which the attempt that runs began; undefined while none does. */
  runningSinceMs: number | undefined;
  /** The attempt runs where the session's last one ran. */
  warm = false;
  /** Wall clock, at the first output. */
  startedAtMs: number | undefined;
  /** Token events so far: the next one's index. */
  tokens = 0;
  /** Events in its log. */
  events = 0;
  /** The number that its terminal event gets where that is not the next one. */
  terminalSeq: number | undefined;
  /** `pool/replica` of those that failed it or had no room → {@link Clock.nowMs} until which others go first. */
  readonly avoid = new Map<string, number>();
  /** How often engines had no room for it. */
  refusals = 0;
  /** Why the last attempt failed. */
  lastFailure: ServiceError | undefined;
  /** The attempt that runs; unsubscribing aborts the engine's request and gives the slot back. */
  run: Subscription | undefined;
  deadline: Alarm | undefined;
  /** The return to the queue after an attempt that failed. */
  retry: Alarm | undefined;
  /** The end after the last reader left. */
  detach: Alarm | undefined;
  /** Streams open on it. */
  readers = 0;

  constructor(
    readonly spec: TaskSpec,
    readonly facts: AdmissionFacts,
    readonly entry: QueueEntry,
    /** What its session could still use when this task's own reservation was made. */
    readonly remaining: Spend,
    /** {@link Clock.nowMs} at which its deadline passes. */
    readonly deadlineAtMs: number,
  ) {}

  get id(): string {
    return this.spec.taskId;
  }

  /** Replicas that others go before at that time. */
  avoidedAt(nowMs: number): ReadonlySet<string> {
    if (this.avoid.size === 0) return none;
    return new Set([...this.avoid].flatMap(([replica, untilMs]) => (untilMs > nowMs ? [replica] : [])));
  }
}

const none: ReadonlySet<string> = new Set();
