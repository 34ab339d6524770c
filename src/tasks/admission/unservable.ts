import { ServiceError } from '../../errors/service-error';
import type { Assessment } from '../../pools/placement/placement.service';
import type { PlacementConstraints } from '../../pools/placement/constraints';

const MODELS_NAMED = 20;
const RETRY_UNAVAILABLE_MS = 5000;

/**
 * Why a task is not admitted for want of a candidate that could run it: the client can change the task, or come back. Undefined for
 * one that can run now or may be worth waiting for.
 */
export function unservable(
  { modelRef, pinPoolId, ctx, workload }: PlacementConstraints,
  { verdict, workloads = [], models, failure, ctxMax, bar = 'MODEL_RETIRED' }: Assessment,
  modelRetryMs: number,
): ServiceError | undefined {
  const there = models.length === 0 ? 'there is none' : `there are: ${models.slice(0, MODELS_NAMED).join(', ')}`;
  switch (verdict) {
    case 'ready':
    case 'waiting':
    case 'not-ready':
      return undefined;
    case 'draining':
      return new ServiceError('POOL_UNAVAILABLE', {
        field: 'placement.pin_pool_id',
        message: `pool ${pinPoolId ?? ''} is draining`,
        retryAfterMs: RETRY_UNAVAILABLE_MS,
      });
    case 'no-workload':
      return new ServiceError('INVALID_PARAMS', {
        field: 'operation',
        message: `no engine that may run this task can do the operation ${workload}; they can do: ${workloads.join(', ')}`,
      });
    case 'no-model': {
      const wanted = modelRef === undefined ? 'a model that is loaded' : `the model ${modelRef}`;
      return unavailable(`no pool has ${wanted}; ${there}`, RETRY_UNAVAILABLE_MS);
    }
    case 'model-failed':
      return unavailable(`${failure ?? 'The engine could not load the model.'} Of others ${there}`, modelRetryMs);
    case 'model-unnamed':
      return new ServiceError('INVALID_PARAMS', {
        field: 'model_ref',
        message: `model_ref must name a model, for none is loaded; ${there}`,
      });
    case 'model-barred':
      return new ServiceError(bar, { field: 'model_ref' });
    case 'small-context':
      return new ServiceError('INVALID_PARAMS', {
        field: 'ctx',
        message: `ctx must be <= ${ctxMax ?? 0}, the largest context of a slot that may run this task; it is ${ctx ?? 0}`,
      });
  }
}

function unavailable(message: string, retryAfterMs: number): ServiceError {
  return new ServiceError('POOL_UNAVAILABLE', { field: 'model_ref', message, retryAfterMs });
}
