import { ServiceError } from '../../errors/service-error';
import { lineOf, membersOf } from '../wire/engine-json';

const REASON_CHARS = 500;
/** A longer text is a page, or nothing that somebody wrote to be read in one line. */
const PLAIN_REASON_CHARS = 1000;
const engine = 'llamacpp';
/** A router's, to a request that had to load its model first. */
const LOAD_FAILED = /^model\b.*\bfailed to load\b/i;
/** A router's, of a model that was unloaded between two looks at it. */
const NOT_LOADED = /^model\b.*\bis not (loaded|running)\b/i;

/** What the request itself did wrong, whatever the status says: versions differ in that, and a failing server answers 500 too. */
const faultsOfRequest: ReadonlySet<unknown> = new Set([
  'invalid_request_error',
  'exceed_context_size_error',
  'not_supported_error',
]);

/**
 * The error behind a status and `{error: {code, message, type}}`, with the server's reason where somebody can do something
 * with it.
 *
 * A 5xx is the server's own failure, and another replica may do better: WORKER_RESET. (llama.cpp also answers 500 to a body
 * that is not JSON, which ours always is.) A missing route or key is a fault of what was bound, not of the request.
 */
export function llamacppError(status: number, body: unknown): ServiceError {
  const reason = reasonOf(body);
  switch (status) {
    case 429:
    case 503:
      return new ServiceError('ENGINE_BUSY', { engine, message: reason ?? 'The engine has no room at the moment.' });
    case 401:
    case 403:
      return new ServiceError('ENGINE_PROTOCOL', {
        engine,
        message: 'The engine did not take the key that it was sent, or was sent none.',
      });
    case 404:
    case 405:
    case 408:
      return new ServiceError('ENGINE_PROTOCOL', { engine, message: answered(status, reason) });
    case 501:
      return new ServiceError('INVALID_PARAMS', { engine, message: reason ?? 'The engine does not support this.' });
  }
  const router = reason === undefined ? undefined : routerError(reason);
  if (router) return router;
  const isRequests = status >= 500 && faultsOfRequest.has(membersOf(errorIn(body))['type']);
  if (isRequests || (status >= 400 && status < 500)) {
    return new ServiceError('INVALID_PARAMS', { engine, message: reason ?? 'The engine refused the request.' });
  }
  if (status >= 500) {
    return new ServiceError('WORKER_RESET', { engine, message: `The engine failed: ${reason ?? `status ${status}`}` });
  }
  return new ServiceError('ENGINE_PROTOCOL', { engine, message: answered(status, reason) });
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

/** The error that a body or a frame tells of: an object or a text. Some send the member always, and null where there is none. */
export function errorIn(body: unknown): unknown {
  const { error } = membersOf(body);
  return error === null || error === false || error === '' ? undefined : error;
}

/**
 * The server's reason in what it answered, parsed where that was JSON; undefined when it gives none. Proxies and older servers
 * have words of their own: `{"error": "text"}`, `{"message"}`, `{"detail"}`, a line of text.
 */
export function reasonOf(body: unknown): string | undefined {
  if (typeof body === 'string') return isPlain(body) ? lineOf(body, REASON_CHARS) : undefined;
  const error = errorIn(body);
  const { message, detail } = membersOf(error === undefined ? body : error);
  return [error, message, detail].map(text => lineOf(text, REASON_CHARS)).find(line => line !== undefined);
}

function isPlain(text: string): boolean {
  return text.length <= PLAIN_REASON_CHARS && !/^\s*[<{[]/.test(text);
}

function answered(status: number, reason: string | undefined): string {
  return `The engine answered with status ${status}${reason === undefined ? '' : `: ${reason.replace(/\.$/, '')}`}.`;
}
