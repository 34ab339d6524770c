import { ServiceError } from '../../errors/service-error';
import { engineError, errorIn } from '../wire/engine-error';
import { parseJson } from '../wire/engine-json';

const engine = 'triton';
/** The process of a model died. Nothing starts it anew, and everything goes on calling itself ready. */
const DEAD = /stub process .* is not healthy/i;
const NOT_SERVED = /^request for unknown model/i;
const NO_ROOM = /exceeds maximum queue size|request timeout expired/i;
const FAULT_OF_REQUEST =
  /unable to parse|failed to parse|invalid type|expected number of inputs|missing required input|can not convert input|unexpected (shape|datatype)/i;

/**
 * The error behind `{"error": "text"}`, which is all that Triton says: the status is 400 for nearly everything, be it the request's fault or
 * the model's, and 500 for a body that it cannot read. The words tell; what they do not is the model's fault, and may go well elsewhere.
 */
export function tritonError(status: number, text: string | undefined): ServiceError {
  const reason = text ?? '';
  if (DEAD.test(reason)) return made('WORKER_RESET', "The engine failed: the model's process died.");
  if (NOT_SERVED.test(reason)) return made('MODEL_LOAD_FAILED', 'The engine does not serve the model.');
  if (NO_ROOM.test(reason)) return made('ENGINE_BUSY', 'The engine has no room at the moment.');
  const isRequests = FAULT_OF_REQUEST.test(reason);
  const isModels = !isRequests && (status === 400 || status === 200);
  return engineError(
    engine,
    isRequests ? 400 : isModels ? 500 : status,
    text === undefined ? undefined : { error: text },
  );
}

/**
 * The text of an error in an answer, which may be an event stream of one event. A model's own error comes with its traceback and the
 * paths of its files; the first line says what it is.
 */
export function errorTextIn(body: string): string | undefined {
  const json = parseJson(body.replace(/^data: ?/, '').trim());
  const error = errorIn(json);
  return typeof error === 'string' ? error.split('\n', 1)[0] : undefined;
}

export function isDead(error: unknown): boolean {
  return error instanceof ServiceError && error.message.includes("the model's process died");
}

function made(code: 'WORKER_RESET' | 'MODEL_LOAD_FAILED' | 'ENGINE_BUSY', message: string): ServiceError {
  return new ServiceError(code, { engine, message });
}
