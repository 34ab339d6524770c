import { ServiceError } from '../../errors/service-error';
import { lineOf, membersOf } from '../wire/engine-json';

const REASON_CHARS = 500;
const engine = 'llamacpp';

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
      return new ServiceError('ENGINE_PROTOCOL', { engine, message: 'The engine asks for a key of its own.' });
    case 404:
    case 405:
    case 408:
      return new ServiceError('ENGINE_PROTOCOL', { engine, message: `The engine answered with status ${status}.` });
    case 501:
      return new ServiceError('INVALID_PARAMS', { engine, message: reason ?? 'The engine does not support this.' });
  }
  if (status >= 400 && status < 500) {
    return new ServiceError('INVALID_PARAMS', { engine, message: reason ?? 'The engine refused the request.' });
  }
  if (status >= 500) {
    return new ServiceError('WORKER_RESET', { engine, message: `The engine failed: ${reason ?? `status ${status}`}` });
  }
  return new ServiceError('ENGINE_PROTOCOL', { engine, message: `The engine answered with status ${status}.` });
}

/** The server's reason in an error body; undefined when it gives none. */
export function reasonOf(body: unknown): string | undefined {
  return lineOf(membersOf(membersOf(body)['error'])['message'], REASON_CHARS);
}
