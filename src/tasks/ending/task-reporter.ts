import { Injectable } from '@nestjs/common';
import type { ServiceError } from '../../errors/service-error';
import { MetricsService } from '../../observability/metrics.service';
import { Narrator, type LogFields } from '../../observability/narrator';
import type { ServedBy } from '../../observability/served-by';
import type { Claim } from '../ledger/task-ledger.port';
import type { AdmissionFacts, Placement, TaskEnding, TaskSpec } from '../task/task';

/** Counts and tells what happens to tasks, each thing once. */
@Injectable()
export class TaskReporter {
  constructor(
    private readonly metrics: MetricsService,
    private readonly narrator: Narrator,
  ) {}

  admitted(spec: TaskSpec, facts: AdmissionFacts): void {
    this.metrics.taskEnqueued(askedFor(spec), spec.priority);
    const fields = about('task_admitted', spec, undefined, {
      priority: spec.priority,
      queue_position: facts.queuePosition,
      predicted_start_ms: facts.predictedStartMs,
    });
    this.narrator.tell(`Task ${spec.taskId} was accepted at position ${facts.queuePosition}.`, fields);
  }

  rejected(spec: TaskSpec, { code, message, details }: ServiceError): void {
    const engine = spec.constraints.engine ?? '';
    const policy = details.policyLabel;
    this.metrics.taskRejected(engine, code);
    if (policy !== undefined) this.metrics.backpressure(engine, policy);
    const fields = about('task_rejected', spec, undefined, { code, policy });
    // A message of the catalogue is a sentence, most of our own are not.
    this.narrator.tell(`Task ${spec.taskId} was refused: ${message.replace(/\.$/, '')}.`, fields);
  }

  started({ spec, placement, attempt }: Claim, firstTokenMs: number): void {
    this.metrics.taskStarted(placement, spec.priority);
    this.metrics.firstToken(placement, spec.priority, firstTokenMs);
    const fields = about('task_started', spec, placement, { attempt, first_token_ms: Math.round(firstTokenMs) });
    this.narrator.tell(`Task ${spec.taskId} started on ${placement.poolId}/${placement.replicaId}.`, fields);
  }

  retried({ spec, placement, attempt }: Claim, { code, message }: ServiceError, delayMs: number): void {
    const fields = about('task_retried', spec, placement, {
      attempt,
      code,
      reason: message,
      delay_ms: Math.round(delayMs),
    });
    const human = `Task ${spec.taskId} goes back to the queue: its attempt failed before any output (${code}).`;
    this.narrator.warn(human, fields);
  }

  fallback(spec: TaskSpec): void {
    this.metrics.placementDecision('fallback', spec.constraints.pinPoolId !== undefined, true, 0);
    const fields = about('deterministic_fallback', spec);
    this.narrator.tell(`No pool is ready for task ${spec.taskId}: the deterministic stand-in answers.`, fields);
  }

  /** @param reason for a cancelled task, who wanted it: `client` or `disconnect` */
  ended(spec: TaskSpec, ending: TaskEnding, reason: string): void {
    const by = ending.placement ?? askedFor(spec);
    const { tokensIn, tokensCached, tokensOut, promptMs, decodeMs } = ending.usage;
    if (ending.placement) this.metrics.tokens(by, spec.priority, ending.usage);
    if (promptMs !== undefined) this.metrics.prompt(by, spec.priority, promptMs);
    if (ending.state === 'completed') this.metrics.decode(by, spec.priority, decodeMs);
    if (ending.state === 'cancelled') this.metrics.taskCanceled(by, reason);
    const fields = about(`task_${ending.state}`, spec, ending.placement, {
      code: ending.code,
      reason: ending.message,
      cancelled_by: ending.state === 'cancelled' ? reason : undefined,
      tokens_in: tokensIn,
      tokens_cached: tokensCached,
      tokens_out: tokensOut,
      prompt_time_ms: promptMs === undefined ? undefined : Math.round(promptMs),
      decode_time_ms: Math.round(decodeMs),
      attempts: ending.attempts,
    });
    this.narrator.tell(`Task ${spec.taskId} ${sentences[ending.state]}.`, fields);
  }
}

const sentences: Readonly<Record<TaskEnding['state'], string>> = {
  completed: 'is done',
  failed: 'failed',
  cancelled: 'was cancelled',
  expired: 'ran out of time',
  dropped: 'was dropped to make room in the queue',
};

/** Fields of a line about a task; the line leaves out what is undefined. */
function about(event: string, spec: TaskSpec, placement?: Placement, more?: object): LogFields {
  const fields = {
    event,
    job_id: spec.taskId,
    session_id: spec.sessionId,
    correlation_id: spec.correlationId,
    identity: spec.identity,
    engine: placement?.engine,
    engine_version: placement?.engineVersion,
    pool_id: placement?.poolId,
    replica_id: placement?.replicaId,
    model: placement?.model,
  };
  // A literal with members after a spread takes V8 microseconds, which each task would pay three times.
  return Object.assign(fields, more);
}

/** Labels before a placement: what the task asked for, and nothing made up. */
function askedFor({ constraints }: TaskSpec): ServedBy {
  return { engine: constraints.engine ?? '', engineVersion: '', poolId: constraints.pinPoolId ?? '', replicaId: '' };
}
