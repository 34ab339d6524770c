import type { ErrorCode } from '../../errors/catalogue';
import type { ErrorEnvelope } from '../../errors/envelope';
import { ServiceError } from '../../errors/service-error';

/** The error that an `error` event tells of. */
export function errorOf(data: string): ServiceError {
  const { code, message, engine, retriable, retry_after_ms: retryAfterMs, field } = JSON.parse(data) as ErrorEnvelope;
  return new ServiceError(code as ErrorCode, {
    message,
    ...(engine !== undefined && { engine }),
    ...(retriable !== undefined && { retriable }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(field !== undefined && { field }),
  });
}
