import { describe, expect, it } from 'vitest';
import { errorCatalogue, type ErrorCode } from './catalogue';
import { isRetryFutile, openaiStatusOf, toOpenaiError } from './openai-error';
import { ServiceError } from './service-error';

describe("an error of OpenAI's API", () => {
  it('has all four members for every code of the catalogue', () => {
    for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
      const error = toOpenaiError(new ServiceError(code));
      expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
      expect([error.message, error.type, error.code]).not.toContain('');
    }
  });

  it('names members and headers as its clients send them', () => {
    const paramOf = (field: string) => toOpenaiError(new ServiceError('INVALID_PARAMS', { field })).param;
    expect([paramOf('model_ref'), paramOf('n'), paramOf('deadline_ms')]).toEqual(['model', 'n', 'X-Orchd-Deadline-Ms']);
  });

  it('says 401 to a wrong key, as to none', () => {
    expect(openaiStatusOf(new ServiceError('FORBIDDEN'))).toBe(401);
    expect(toOpenaiError(new ServiceError('FORBIDDEN'))).toMatchObject({ code: 'invalid_api_key' });
  });

  it('is not to be retried where the request must change, or where a minute is not enough', () => {
    const futile = (code: ErrorCode, retryAfterMs?: number) =>
      isRetryFutile(new ServiceError(code, retryAfterMs === undefined ? {} : { retryAfterMs }));
    expect([futile('BUDGET_EXHAUSTED'), futile('CANCELLED'), futile('ADMISSION_REJECT', 60_001)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([futile('ADMISSION_REJECT', 60_000), futile('WORKER_RESET')]).toEqual([false, false]);
  });
});
