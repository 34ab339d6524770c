import type { EngineEvent } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';
import type { LiveTask } from '../live/live-task';
import { startedEvent, tokenEvent } from '../stream/task-events';
import type { Placement, TaskEvent } from '../task';

/** At most one `metrics` event of a stream in this time. */
const METRICS_EVERY_MS = 250;

/** What one output needs of where outputs go. */
export interface OutputSink {
  /** Bound of a task's event log. */
  readonly maxBytes: number;
  nowMs(): number;
  /** Resolves once the journal knows that output of this task may have been seen. */
  firstOutput(task: LiveTask, placement: Placement): Promise<void>;
  /** Appends to the task's log; returns the log's size in bytes. */
  append(task: LiveTask, events: readonly TaskEvent[]): number;
  appendMetrics(task: LiveTask): void;
}

/**
 * What one attempt has to show. Its first output opens the stream with `started`, and is held back until the journal has
 * the first-token mark; the engine goes on meanwhile and what it sends is held with it. After that batches go straight out.
 */
export class TaskOutput {
  private held: TaskEvent[] = [];
  /** Settles when what was held has been let go; undefined before the first output. */
  private mark: Promise<void> | undefined;
  /** Nothing is held any more. */
  private open = false;
  private lastMetricsMs = 0;
  /** Of the log; until there is one, of the data that is held. */
  private loggedBytes = 0;

  constructor(
    private readonly task: LiveTask,
    private readonly placement: Placement,
    private readonly sink: OutputSink,
  ) {}

  /** True once the engine has sent something that counts as output. */
  get begun(): boolean {
    return this.mark !== undefined;
  }

  /**
   * Takes a batch of the engine's tokens; false when it holds more than the task wants, which are left out.
   * @throws ServiceError OUTPUT_TOO_LARGE when the task's log passes its bound
   */
  take(batch: readonly EngineEvent[]): boolean {
    const { task } = this;
    const { maxTokens } = task.spec;
    const events: TaskEvent[] = [];
    let tookAll = true;
    for (const event of batch) {
      if (event.kind !== 'token') continue;
      if (task.tokens < maxTokens) events.push(tokenEvent(task.tokens++, event.text));
      else tookAll = false;
    }
    if (events.length > 0) this.show(events);
    return tookAll;
  }

  /**
   * Everything the attempt has sent can be seen; also opens the stream of one that sent nothing but its end.
   * @throws ServiceError STORAGE_UNAVAILABLE when the first-token mark could not be made durable
   */
  async settled(): Promise<void> {
    if (!this.begun) this.show([]);
    await this.mark;
  }

  private show(events: TaskEvent[]): void {
    this.mark ??= this.begin();
    if (!this.open) {
      for (const event of events) this.loggedBytes += Buffer.byteLength(event.data);
      this.held.push(...events);
    } else {
      this.append(events);
    }
    if (this.loggedBytes > this.sink.maxBytes) throw new ServiceError('OUTPUT_TOO_LARGE');
  }

  private async begin(): Promise<void> {
    const { spec, facts, attempts } = this.task;
    const { engine, engineVersion, poolId, replicaId } = this.placement;
    this.held.push(
      startedEvent({
        task_id: spec.taskId,
        queue_position: facts.queuePosition,
        predicted_start_ms: facts.predictedStartMs,
        engine,
        engine_version: engineVersion,
        pool_id: poolId,
        replica_id: replicaId,
        attempt: attempts,
        ...(spec.constraints.modelRef !== undefined && { model_ref: spec.constraints.modelRef }),
      }),
    );
    await this.sink.firstOutput(this.task, this.placement);
    if (this.task.ending) return; // Cancelled before anybody saw a token: nobody will.
    this.open = true;
    this.lastMetricsMs = this.sink.nowMs();
    const events = this.held;
    this.held = [];
    this.append(events);
  }

  private append(events: TaskEvent[]): void {
    if (this.task.ending) return;
    this.loggedBytes = this.sink.append(this.task, events);
    const nowMs = this.sink.nowMs();
    if (nowMs - this.lastMetricsMs < METRICS_EVERY_MS) return;
    this.lastMetricsMs = nowMs;
    this.sink.appendMetrics(this.task);
  }
}
