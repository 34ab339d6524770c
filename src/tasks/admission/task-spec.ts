import { hash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { ServiceError } from '../../errors/service-error';
import { canonicalJson } from '../events/task-events';
import type { Priority, TaskSpec } from '../task/task';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import { DEADLINE_DEFAULT_MS, type CreateTaskDto } from './create-task.dto';
import { samplingOf, workOf } from './task-work';

/** A task that expects as many is refused, whatever room there is. */
export const EXPECTED_TOKENS_TOO_MANY = 1_000_000;
const EXPECTED_TOKENS_FAR_TOO_MANY = 2_000_000;

/**
 * Fills in the defaults of a validated body.
 * @throws ServiceError INVALID_PARAMS without work to do or for a placement that contradicts itself, DEADLINE_UNMET for a deadline that is not in the future
 */
export function toTaskSpec(body: CreateTaskDto, correlationId: string, identity?: string): TaskSpec {
  const taskId = body.task_id ?? uuidv7();
  const priority: Priority = body.priority === 'batch' ? 'batch' : 'interactive';
  const deadlineMs = body.deadline_ms ?? DEADLINE_DEFAULT_MS;
  if (deadlineMs <= 0)
    throw new ServiceError('DEADLINE_UNMET', { field: 'deadline_ms', message: 'deadline_ms must be > 0' });
  const work = workOf(body);
  return {
    taskId,
    sessionId: body.session_id ?? taskId,
    ownSession: body.session_id == null,
    priority,
    constraints: constraintsOf(body, work.operation),
    operation: work.body === undefined ? undefined : work.operation,
    prompt: work.body ?? work.prompt,
    maxTokens: work.maxTokens,
    expectedTokens: body.expected_tokens ?? undefined,
    deadlineMs,
    sampling: work.body === undefined ? samplingOf(body) : {},
    onDisconnect: onDisconnectOf(body, priority),
    correlationId,
    identity,
  };
}

/** Lower-case hex SHA-256 of the canonical body: tells a repeated submission from another one under the same id. */
export function requestHashOf(body: CreateTaskDto): string {
  return hash('sha256', canonicalJson(body), 'hex');
}

/** The refusal that a task of this expected size gets whatever room there is; undefined for a reasonable one. */
export function oversized(spec: TaskSpec): 'ADMISSION_REJECT' | 'QUEUE_FULL_DROP_LRU' | undefined {
  const { expectedTokens = 0 } = spec;
  if (expectedTokens >= EXPECTED_TOKENS_FAR_TOO_MANY) return 'QUEUE_FULL_DROP_LRU';
  return expectedTokens >= EXPECTED_TOKENS_TOO_MANY ? 'ADMISSION_REJECT' : undefined;
}

function constraintsOf(body: CreateTaskDto, workload: string): PlacementConstraints {
  const { pin_pool_id: pin, prefer_pools: prefer, avoid_pools: avoid } = body.placement ?? {};
  if (pin != null && avoid?.includes(pin)) {
    const message = 'placement.avoid_pools must not name the pool that the task is pinned to';
    throw new ServiceError('INVALID_PARAMS', { field: 'placement.avoid_pools', message });
  }
  return {
    pinPoolId: pin ?? undefined,
    preferPools: prefer ?? [],
    avoidPools: avoid ?? [],
    engine: body.engine ?? undefined,
    modelRef: body.model_ref ?? undefined,
    // 0 is a client's way to leave it to the engine.
    ctx: body.ctx != null && body.ctx > 0 ? body.ctx : undefined,
    workload,
  };
}

function onDisconnectOf({ on_disconnect: wish }: CreateTaskDto, priority: Priority): TaskSpec['onDisconnect'] {
  if (wish === 'cancel' || wish === 'continue') return wish;
  return priority === 'interactive' ? 'cancel' : 'continue';
}
