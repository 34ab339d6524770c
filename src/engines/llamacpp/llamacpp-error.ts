import { ServiceError } from '../../errors/service-error';

const MAX_REASON_CHARS = 500;
const engine = 'llamacpp';

/**
 * The error behind `{error: {code, message, type}}`, with the server's reason where a client can do something with it.
 * A 500 is the server's own failure before any output: another replica may do better, so it counts as WORKER_RESET.
 * (llama.cpp also answers 500 to a body that is not JSON, which ours always is.)
 */
export function llamacppError(status: number | undefined, body: unknown): ServiceError {
  const { code, reason } = reasonOf(body);
  const effective = status ?? code ?? 500;
  if (effective === 429 || effective === 503) {
    return new ServiceError('ENGINE_BUSY', { engine, message: reason ?? 'The engine has no room at the moment.' });
  }
  if (effective >= 400 && effective < 500 && effective !== 404 && effective !== 408) {
    return new ServiceError('INVALID_PARAMS', { engine, message: reason ?? 'The engine refused the request.' });
  }
  if (effective >= 500 && reason !== undefined) return new ServiceError('WORKER_RESET', { engine, message: `The engine failed: ${reason}` });
  return new ServiceError('ENGINE_PROTOCOL', { engine, message: `The engine answered with status ${effective}.` });
}

/** The server's reason from an error body, bounded and on one line; undefined when it gives none. */
export function reasonOf(body: unknown): { readonly code?: number; readonly reason?: string } {
  const error = (body as { error?: unknown } | undefined)?.error;
  if (typeof error !== 'object' || error === null) return {};
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    ...(typeof code === 'number' && { code }),
    ...(typeof message === 'string' && { reason: oneLine(message) }),
  };
}

function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, MAX_REASON_CHARS);
}
