import { ServiceError } from '../../errors/service-error';
import { engineError, errorIn, reasonOf } from '../wire/engine-error';
import { membersOf } from '../wire/engine-json';

const engine = 'llamacpp';
/** A router's, to a request that had to load its model first. */
const LOAD_FAILED = /^model\b.*\bfailed to load\b/i;
/** A router's, of a model that was unloaded between two looks at it. */
const NOT_LOADED = /^model\b.*\bis not (loaded|running)\b/i;
/** Statuses that say all there is to know, whatever the reason. */
const settled: ReadonlySet<number> = new Set([401, 403, 404, 405, 408, 429, 501, 503]);

/** What the request itself did wrong, whatever the status says: versions differ in that, and a failing server answers 500 too. */
const faultsOfRequest: ReadonlySet<unknown> = new Set([
  'invalid_request_error',
  'exceed_context_size_error',
  'not_supported_error',
]);
/**
 * The same without a type of its own: what a server of late 2026 answers 500 to. (To a body that is not JSON too, which ours
 * always is.)
 */
const FAULT_OF_REQUEST =
  /is too large to process|input is not supported|failed to parse tools|unknown reasoning format|must not be empty|does not logits computation/i;

/** The error behind a status and `{error: {code, message, type}}`: as any engine's, but for what a router tells of its models. */
export function llamacppError(status: number, body: unknown): ServiceError {
  if (settled.has(status)) return engineError(engine, status, body);
  const reason = reasonOf(body);
  const router = reason === undefined ? undefined : routerError(reason);
  if (router) return router;
  const isRequests = faultsOfRequest.has(membersOf(errorIn(body))['type']) || FAULT_OF_REQUEST.test(reason ?? '');
  return engineError(engine, status >= 500 && isRequests ? 400 : status, body);
}

/** A router's own trouble with a model, whatever status it tells it with: no fault of the request. */
function routerError(reason: string): ServiceError | undefined {
  if (LOAD_FAILED.test(reason)) {
    const message = `The engine could not load the model: ${reason.replace(/\.$/, '')}.`;
    return new ServiceError('MODEL_LOAD_FAILED', { engine, message });
  }
  return NOT_LOADED.test(reason)
    ? new ServiceError('WORKER_RESET', { engine, message: `The engine failed: ${reason}` })
    : undefined;
}
