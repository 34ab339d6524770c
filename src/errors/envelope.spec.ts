import { describe, expect, it } from 'vitest';
import { fromThrown } from '../http/answers/envelope.filter';
import { errorCatalogue, type ErrorCode } from './catalogue';
import { toEnvelope } from './envelope';
import { asServiceError, ServiceError } from './service-error';

describe('the envelope', () => {
  it('has code, message and retriable for every code of the catalogue', () => {
    for (const [code, entry] of Object.entries(errorCatalogue)) {
      const error = new ServiceError(code as ErrorCode);
      const envelope = toEnvelope(error, 'id-1');
      expect(envelope).toMatchObject({ message: entry.message, retriable: entry.retriable, correlation_id: 'id-1' });
      expect(entry.status).toBeGreaterThanOrEqual(400);
    }
  });

  it('says what is known and leaves out what is not', () => {
    const error = new ServiceError('ADMISSION_REJECT', {
      policyLabel: 'reject',
      retryAfterMs: 1500,
      engine: 'llamacpp',
    });
    expect(toEnvelope(error)).toEqual({
      code: 'ADMISSION_REJECT',
      message: 'The queue is full.',
      engine: 'llamacpp',
      retriable: true,
      retry_after_ms: 1500,
      policy_label: 'reject',
    });
  });

  it('tells nothing of the cause of an internal error (B-ERR-004)', () => {
    const error = asServiceError(new Error('password=canary at /srv/secret.ts:7'));
    expect(error.status).toBe(500);
    expect(JSON.stringify(toEnvelope(error))).not.toMatch(/canary|secret|:7/);
    expect(JSON.stringify(toEnvelope(fromThrown(new TypeError('canary'))))).not.toContain('canary');
  });

  it('answers worker registration with its numbers', () => {
    expect(toEnvelope(new ServiceError('MISSING_TOKEN'))).toMatchObject({ code: 40101, message: 'MISSING_TOKEN' });
    expect(toEnvelope(new ServiceError('BAD_TOKEN'))).toMatchObject({ code: 40102, message: 'BAD_TOKEN' });
  });

  it.each([
    [{ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }, 'BODY_TOO_LARGE'],
    [{ code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }, 'UNSUPPORTED_MEDIA_TYPE'],
    [{ statusCode: 408 }, 'REQUEST_TIMEOUT'],
    [{ statusCode: 400, message: 'internals of the parser' }, 'INVALID_PARAMS'],
    [{ statusCode: 503 }, 'INTERNAL'],
    ['a thrown string', 'INTERNAL'],
    [undefined, 'INTERNAL'],
  ])('gives %j of the framework its code', (thrown, code) => {
    expect(fromThrown(thrown).code).toBe(code);
  });
});
