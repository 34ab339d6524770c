import type { ErrorCode } from './catalogue';
import type { ServiceError } from './service-error';

/** The error object of OpenAI's API: all four members are always there. */
export interface OpenaiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** Codes that clients of that API look for. */
const codes: Readonly<Partial<Record<ErrorCode, string>>> = {
  UNAUTHENTICATED: 'invalid_api_key',
  FORBIDDEN: 'invalid_api_key',
  ADMISSION_REJECT: 'rate_limit_exceeded',
  QUEUE_FULL_DROP_LRU: 'rate_limit_exceeded',
  BUDGET_EXHAUSTED: 'insufficient_quota',
};

/** Fields of a task that a request of that API names otherwise. */
const params: Readonly<Record<string, string>> = {
  model_ref: 'model',
  operation: 'model',
  deadline_ms: 'X-Orchd-Deadline-Ms',
  session_id: 'X-Orchd-Session',
  'placement.pin_pool_id': 'X-Orchd-Pool',
};

export function toOpenaiError(error: ServiceError): OpenaiError {
  const { code, message, details } = error;
  const { field } = details;
  return {
    message,
    type: typeOf(code, openaiStatusOf(error)),
    param: field === undefined ? null : (params[field] ?? field),
    code: codes[code] ?? code.toLowerCase(),
  };
}

/** A wrong key is 401 there. */
export function openaiStatusOf({ code, status }: ServiceError): number {
  return code === 'FORBIDDEN' ? 401 : status;
}

/** A client comes back by itself within so long, see {@link isRetryFutile}. */
const PATIENCE_MS = 60_000;

/**
 * Clients repeat 408, 409, 429 and 5xx within a minute unless they are told that it is of no use: the request itself must change, or
 * there is longer to wait.
 */
export function isRetryFutile({ retriable, details: { retryAfterMs = 0 } }: ServiceError): boolean {
  return !retriable || retryAfterMs > PATIENCE_MS;
}

function typeOf(code: ErrorCode, status: number): string {
  if (code === 'BUDGET_EXHAUSTED') return 'insufficient_quota';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
