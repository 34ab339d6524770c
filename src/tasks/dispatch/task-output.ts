import type { EngineEvent } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';
import type { Clock } from '../../time/clock';
import type { EventLog } from '../events/event-log.port';
import type { Claim } from '../ledger/task-ledger.port';
import { predictedStartOf } from '../task/parts.view';
import { deltaEvent, resultEvent, startedEvent, tokenEvent } from '../events/task-events';
import type { TaskEvent } from '../task/task';

/** At most one `metrics` event of a stream in this time. */
const METRICS_EVERY_MS = 250;

/** What one output needs of where outputs go. */
export interface OutputSink {
  readonly log: Pick<EventLog, 'append'>;
  /** Bound of a task's event log. */
  readonly maxBytes: number;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** The attempt has its first output; told once, before anything of it is shown. */
  begun(claim: Claim): void;
  /** Resolves once it is durable that output may be seen; to false when the attempt has lost its right to that. */
  mark(claim: Claim): Promise<boolean>;
  appendMetrics(claim: Claim): void;
}

/**
 * What one attempt has to show. Its first output opens the stream with `started`, and is held back until it is durable that
 * output may have been seen; the engine goes on meanwhile and what it sends is held with it. After that batches go straight
 * out. An output whose end comes before that, or that is withheld until it ends, needs no mark: it is shown with its ending.
 */
export class TaskOutput {
  /** Not shown yet; undefined once nothing is held any more. */
  private held: TaskEvent[] | undefined = [];
  private hasBegun = false;
  private isClosed = false;
  private lastMetricsMs = 0;
  /** Tokens that came in deltas: they have no index. */
  private deltaTokens = 0;
  /** Of the log; until there is one, of the data that is held. */
  private loggedBytes = 0;

  /** @param onFault called when the mark could not be made durable */
  constructor(
    private readonly claim: Claim,
    private readonly sink: OutputSink,
    private readonly onFault: (cause: unknown) => void,
  ) {}

  /** True once the engine has sent something that counts as output. */
  get begun(): boolean {
    return this.hasBegun;
  }

  /**
   * Takes a batch of the engine's output; false when it holds more tokens than the task wants, which are left out.
   * @param isLast the engine's end comes with it
   * @throws ServiceError OUTPUT_TOO_LARGE when the task's log passes its bound
   */
  take(batch: readonly EngineEvent[], isLast: boolean): boolean {
    const { spec, shown } = this.claim;
    const events: TaskEvent[] = [];
    let tookAll = true;
    for (const event of batch) {
      if (event.kind === 'token') {
        if (shown.tokens < spec.maxTokens) events.push(tokenEvent(shown.tokens++ - this.deltaTokens, event.text));
        else tookAll = false;
      } else if (event.kind === 'delta' || event.kind === 'result') {
        const more = this.whole(event);
        if (more) events.push(more);
        else tookAll = false;
      }
    }
    if (events.length > 0) this.show(events, isLast || !tookAll);
    return tookAll;
  }

  /** Undefined for a delta of more tokens than the task still wants. One without a token, as the end of a choice is, passes. */
  private whole(event: Extract<EngineEvent, { kind: 'delta' | 'result' }>): TaskEvent | undefined {
    const { spec, shown } = this.claim;
    // Before it is parsed: what cannot be kept must not hold up the event loop.
    if (event.data.length > this.sink.maxBytes) throw new ServiceError('OUTPUT_TOO_LARGE');
    if (event.kind === 'result') return resultEvent(event.data);
    if (event.tokens > 0 && shown.tokens + event.tokens > spec.maxTokens) return undefined;
    shown.tokens += event.tokens;
    this.deltaTokens += event.tokens;
    return deltaEvent(event.data);
  }

  /** Nothing more is shown from here on; what was not is returned, in its order: also that the stream of an output of nothing begins. */
  close(): readonly TaskEvent[] {
    if (!this.hasBegun) this.begin();
    this.isClosed = true;
    const held = this.held ?? [];
    this.held = undefined;
    return held;
  }

  private show(events: TaskEvent[], isLast: boolean): void {
    if (!this.hasBegun) {
      this.begin();
      if (!isLast && this.claim.spec.isWithheld !== true) void this.release();
    }
    if (this.held) {
      for (const event of events) this.loggedBytes += Buffer.byteLength(event.data);
      this.held.push(...events);
    } else {
      this.append(events);
    }
    if (this.loggedBytes > this.sink.maxBytes) throw new ServiceError('OUTPUT_TOO_LARGE');
  }

  private begin(): void {
    this.hasBegun = true;
    const { spec, facts, attempt, placement, lease } = this.claim;
    this.held?.push(
      startedEvent({
        task_id: spec.taskId,
        queue_position: facts.queuePosition,
        predicted_start_ms: facts.predictedStartMs,
        predicted_start: predictedStartOf(facts.predictedStart),
        engine: placement.engine,
        engine_version: placement.engineVersion,
        pool_id: placement.poolId,
        replica_id: placement.replicaId,
        attempt,
        stand_in: lease.isStandIn ? true : undefined,
        model_ref: spec.constraints.modelRef,
        model: placement.model,
      }),
    );
    this.sink.begun(this.claim);
  }

  /** Never rejects. */
  private async release(): Promise<void> {
    try {
      // Cancelled before anybody saw a token: nobody will.
      if (!(await this.sink.mark(this.claim)) || !this.held) return;
      this.lastMetricsMs = this.sink.clock.nowMs();
      const events = this.held;
      this.held = undefined;
      this.append(events);
    } catch (cause) {
      if (this.isClosed) return;
      this.held = []; // It must not be seen.
      this.onFault(cause);
    }
  }

  private append(events: TaskEvent[]): void {
    const { claim, sink } = this;
    if (this.isClosed || !claim.isHeld) return;
    this.loggedBytes = sink.log.append(claim.spec.taskId, events);
    const nowMs = sink.clock.nowMs();
    if (nowMs - this.lastMetricsMs < METRICS_EVERY_MS) return;
    this.lastMetricsMs = nowMs;
    sink.appendMetrics(claim);
  }
}
