import { Injectable } from '@nestjs/common';
import type { ServiceError } from '../../errors/service-error';
import { MetricsService, type ServedBy } from '../../observability/metrics.service';
import { Narrator, type LogFields } from '../../observability/narrator';
import type { Claim } from '../ledger/task-ledger.port';
import type { AdmissionFacts, Placement, TaskEnding, TaskSpec } from '../task/task';
import { placementFields } from '../task/parts.view';

/** Counts and tells what happens to tasks, each thing once. */
@Injectable()
export class TaskReporter {
  constructor(
    private readonly metrics: MetricsService,
    private readonly narrator: Narrator,
  ) {}

  admitted(spec: TaskSpec, facts: AdmissionFacts): void {
    this.metrics.taskEnqueued(askedFor(spec), spec.priority);
    this.narrator.tell(`Task ${spec.taskId} was accepted at position ${facts.queuePosition}.`, {
      event: 'task_admitted',
      ...about(spec),
      priority: spec.priority,
      queue_position: facts.queuePosition,
      predicted_start_ms: facts.predictedStartMs,
    });
  }

  rejected(spec: TaskSpec, { code, message, details }: ServiceError): void {
    const engine = spec.constraints.engine ?? '';
    const policy = details.policyLabel;
    this.metrics.taskRejected(engine, code);
    if (policy !== undefined) this.metrics.backpressure(engine, policy);
    // A message of the catalogue is a sentence, most of our own are not.
    this.narrator.tell(`Task ${spec.taskId} was refused: ${message.replace(/\.$/, '')}.`, {
      event: 'task_rejected',
      ...about(spec),
      code,
      policy,
    });
  }

  started({ spec, placement, attempt }: Claim, firstTokenMs: number): void {
    this.metrics.taskStarted(placement, spec.priority);
    this.metrics.firstToken(placement, spec.priority, firstTokenMs);
    this.narrator.tell(`Task ${spec.taskId} started on ${placement.poolId}/${placement.replicaId}.`, {
      event: 'task_started',
      ...about(spec, placement),
      attempt,
      first_token_ms: Math.round(firstTokenMs),
    });
  }

  retried({ spec, placement, attempt }: Claim, { code, message }: ServiceError, delayMs: number): void {
    this.narrator.warn(`Task ${spec.taskId} goes back to the queue: its attempt failed before any output (${code}).`, {
      event: 'task_retried',
      ...about(spec, placement),
      attempt,
      code,
      reason: message,
      delay_ms: Math.round(delayMs),
    });
  }

  fallback(spec: TaskSpec): void {
    this.metrics.placementDecision('fallback', spec.constraints.pinPoolId !== undefined, true, 0);
    this.narrator.tell(`No pool is ready for task ${spec.taskId}: the deterministic stand-in answers.`, {
      event: 'deterministic_fallback',
      ...about(spec),
    });
  }

  /** @param reason for a cancelled task, who wanted it: `client` or `disconnect` */
  ended(spec: TaskSpec, ending: TaskEnding, reason: string): void {
    const by = ending.placement ?? askedFor(spec);
    const { tokensIn, tokensCached, tokensOut, promptMs, decodeMs } = ending.usage;
    if (ending.placement) this.metrics.tokens(by, ending.usage);
    if (promptMs !== undefined) this.metrics.prompt(by, spec.priority, promptMs);
    if (ending.state === 'completed') this.metrics.decode(by, spec.priority, decodeMs);
    if (ending.state === 'cancelled') this.metrics.taskCanceled(by, reason);
    this.narrator.tell(`Task ${spec.taskId} ${sentences[ending.state]}.`, {
      event: `task_${ending.state}`,
      ...about(spec, ending.placement),
      ...(ending.code && { code: ending.code, reason: ending.message }),
      ...(ending.state === 'cancelled' && { cancelled_by: reason }),
      tokens_in: tokensIn,
      ...(tokensCached !== undefined && { tokens_cached: tokensCached }),
      tokens_out: tokensOut,
      ...(promptMs !== undefined && { prompt_time_ms: Math.round(promptMs) }),
      decode_time_ms: Math.round(decodeMs),
      attempts: ending.attempts,
    });
  }
}

const sentences: Readonly<Record<TaskEnding['state'], string>> = {
  completed: 'is done',
  failed: 'failed',
  cancelled: 'was cancelled',
  expired: 'ran out of time',
  dropped: 'was dropped to make room in the queue',
};

function about(spec: TaskSpec, placement?: Placement): Omit<LogFields, 'event'> {
  return {
    job_id: spec.taskId,
    session_id: spec.sessionId,
    correlation_id: spec.correlationId,
    ...(spec.identity !== undefined && { identity: spec.identity }),
    ...(placement && placementFields(placement)),
  };
}

/** Labels before a placement: what the task asked for, and nothing made up. */
function askedFor({ constraints }: TaskSpec): ServedBy {
  return { engine: constraints.engine ?? '', engineVersion: '', poolId: constraints.pinPoolId ?? '', replicaId: '' };
}
