import { Injectable } from '@nestjs/common';
import type { ServiceError } from '../../errors/service-error';
import { LineText } from '../../observability/line-text';
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
    const line = lineAbout('task_admitted', spec)
      .add('priority', spec.priority)
      .add('queue_position', facts.queuePosition)
      .add('predicted_start_ms', facts.predictedStartMs);
    this.narrator.tellText(`Task ${spec.taskId} was accepted at position ${facts.queuePosition}.`, line);
  }

  rejected(spec: TaskSpec, { code, message, details }: ServiceError): void {
    const engine = spec.constraints.engine ?? '';
    const policy = details.policyLabel;
    this.metrics.taskRejected(engine, code);
    if (policy !== undefined) this.metrics.backpressure(engine, policy);
    const fields = about('task_rejected', spec, { code, policy });
    // A message of the catalogue is a sentence, most of our own are not.
    this.narrator.tell(`Task ${spec.taskId} was refused: ${message.replace(/\.$/, '')}.`, fields);
  }

  started({ spec, placement, attempt }: Claim, firstTokenMs: number): void {
    this.metrics.taskStarted(placement, spec.priority);
    this.metrics.firstToken(placement, spec.priority, firstTokenMs);
    const line = lineAbout('task_started', spec, placement)
      .add('attempt', attempt)
      .add('first_token_ms', Math.round(firstTokenMs));
    this.narrator.tellText(`Task ${spec.taskId} started on ${placement.poolId}/${placement.replicaId}.`, line);
  }

  retried({ spec, placement, attempt }: Claim, { code, message }: ServiceError, delayMs: number): void {
    const fields = about('task_retried', spec, {
      engine: placement.engine,
      engine_version: placement.engineVersion,
      pool_id: placement.poolId,
      replica_id: placement.replicaId,
      model: placement.model,
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
    const line = lineAbout(`task_${ending.state}`, spec, ending.placement)
      .add('code', ending.code)
      .add('reason', ending.message)
      .add('cancelled_by', ending.state === 'cancelled' ? reason : undefined)
      .add('tokens_in', tokensIn)
      .add('tokens_cached', tokensCached)
      .add('tokens_out', tokensOut)
      .add('prompt_time_ms', promptMs === undefined ? undefined : Math.round(promptMs))
      .add('decode_time_ms', Math.round(decodeMs))
      .add('attempts', ending.attempts);
    this.narrator.tellText(`Task ${spec.taskId} ${sentences[ending.state]}.`, line);
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
function about(event: string, spec: TaskSpec, more: object = {}): LogFields {
  const { taskId: job_id, sessionId: session_id, correlationId: correlation_id, identity } = spec;
  return { event, job_id, session_id, correlation_id, identity, ...more };
}

/** The same as text, for lines that every task has. */
function lineAbout(event: string, spec: TaskSpec, placement?: Placement): LineText {
  const line = new LineText(event)
    .add('job_id', spec.taskId)
    .add('session_id', spec.sessionId)
    .add('correlation_id', spec.correlationId)
    .add('identity', spec.identity);
  if (!placement) return line;
  return line
    .add('engine', placement.engine)
    .add('engine_version', placement.engineVersion)
    .add('pool_id', placement.poolId)
    .add('replica_id', placement.replicaId)
    .add('model', placement.model);
}

/** Labels before a placement: what the task asked for, and nothing made up. */
function askedFor({ constraints }: TaskSpec): ServedBy {
  return { engine: constraints.engine ?? '', engineVersion: '', poolId: constraints.pinPoolId ?? '', replicaId: '' };
}
