import { describe, expect, it } from 'vitest';
import { anthropicStatusOf, toAnthropicError } from './anthropic-error';
import { errorCatalogue, type ErrorCode } from './catalogue';
import { ServiceError } from './service-error';

describe("an error of Anthropic's API", () => {
  it.each([
    ['INVALID_PARAMS', 400, 'invalid_request_error'],
    ['UNAUTHENTICATED', 401, 'authentication_error'],
    ['FORBIDDEN', 401, 'authentication_error'],
    ['MODEL_NOT_FOUND', 404, 'not_found_error'],
    ['BODY_TOO_LARGE', 413, 'request_too_large'],
    ['BUDGET_EXHAUSTED', 429, 'rate_limit_error'],
    ['INTERNAL', 500, 'api_error'],
    ['DECODE_TIMEOUT', 504, 'timeout_error'],
    ['ADMISSION_REJECT', 529, 'overloaded_error'],
    ['POOL_UNAVAILABLE', 529, 'overloaded_error'],
  ] as const)('%s is %i %s', (code, status, type) => {
    const error = new ServiceError(code);
    expect([anthropicStatusOf(error), toAnthropicError(error).error.type]).toEqual([status, type]);
  });

  it('has a type and a message for every code, and the id of the request', () => {
    for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
      const { type, error, request_id: id } = toAnthropicError(new ServiceError(code), 'id-1');
      expect([type, id]).toEqual(['error', 'id-1']);
      expect([error.type, error.message]).not.toContain('');
    }
  });
});
