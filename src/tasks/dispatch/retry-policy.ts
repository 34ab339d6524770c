import { ServiceError } from '../../errors/service-error';

/** Attempts of one task, the first included. Being told to wait does not count. */
const MAX_ATTEMPTS = 3;
const BASE_DELAY_MS = 50;
const BUSY_DELAY_MS = 250;

export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number; readonly counts: boolean }
  | { readonly retry: false; readonly error: ServiceError };

/** What becomes of a task whose attempt failed before any output. After the first output nothing is ever tried again. */
export function decideRetry(error: ServiceError, attempts: number): RetryDecision {
  switch (error.code) {
    case 'ENGINE_BUSY':
      return { retry: true, delayMs: BUSY_DELAY_MS, counts: false };
    case 'WORKER_RESET':
    case 'ENGINE_PROTOCOL':
    case 'DECODE_TIMEOUT': // Before any output: the first token did not come. The task's deadline ends it elsewhere.
      if (attempts < MAX_ATTEMPTS) return { retry: true, delayMs: BASE_DELAY_MS * 2 ** attempts, counts: true };
      return { retry: false, error: exhausted(error, attempts) };
    default:
      return { retry: false, error };
  }
}

function exhausted(last: ServiceError, attempts: number): ServiceError {
  const { engine } = last.details;
  return new ServiceError(
    'REPLICA_EXHAUSTED',
    { message: `${attempts} attempts failed; the last: ${last.message}`, ...(engine !== undefined && { engine }) },
    last,
  );
}
