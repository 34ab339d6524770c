import type { ServiceError } from './service-error';

/** The body of every error answer, and (less the correlation id) the data of an SSE `error` event. */
export interface ErrorEnvelope {
  /** A code of the catalogue; for worker registration the numeric code of the wire contract. */
  readonly code: string | number;
  readonly message: string;
  readonly engine?: string;
  readonly retriable?: boolean;
  readonly retry_after_ms?: number;
  readonly policy_label?: string;
  readonly field?: string;
  readonly correlation_id?: string;
}

/** Worker registration answers with numbers, as its clients have always matched on them. */
const numericCodes: Partial<Record<ServiceError['code'], number>> = { MISSING_TOKEN: 40101, BAD_TOKEN: 40102 };

/** Builds the envelope; keys without a value are left out. */
export function toEnvelope(error: ServiceError, correlationId?: string): ErrorEnvelope {
  const { engine, retryAfterMs, policyLabel, field } = error.details;
  return {
    code: numericCodes[error.code] ?? error.code,
    message: error.message,
    ...(engine !== undefined && { engine }),
    retriable: error.retriable,
    ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }),
    ...(policyLabel !== undefined && { policy_label: policyLabel }),
    ...(field !== undefined && { field }),
    ...(correlationId !== undefined && { correlation_id: correlationId }),
  };
}
