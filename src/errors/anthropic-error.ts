import type { ErrorCode } from './catalogue';
import { openaiStatusOf } from './openai-error';
import type { ServiceError } from './service-error';

/** The error object of Anthropic's API. */
export interface AnthropicError {
  readonly type: 'error';
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id?: string;
}

/** Its own status of a service that has too much to do, or cannot do it just now. */
const OVERLOADED = 529;
const crowded: ReadonlySet<ErrorCode> = new Set(['ADMISSION_REJECT', 'QUEUE_FULL_DROP_LRU']);

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  [OVERLOADED]: 'overloaded_error',
};

export function toAnthropicError(error: ServiceError, requestId?: string): AnthropicError {
  const status = anthropicStatusOf(error);
  const type = types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  return {
    type: 'error',
    error: { type, message: error.message },
    ...(requestId !== undefined && { request_id: requestId }),
  };
}

/** A wrong key is 401 there, and 503 is {@link OVERLOADED}, which its clients wait for. */
export function anthropicStatusOf(error: ServiceError): number {
  return error.status === 503 || crowded.has(error.code) ? OVERLOADED : openaiStatusOf(error);
}
