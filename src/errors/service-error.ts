import { errorCatalogue, type CatalogueEntry, type ErrorCode } from './catalogue';

/** What an error can say beyond its code. Nothing here may hold a secret, a path of the machine, or an engine's stack. */
export interface ErrorDetails {
  /** Replaces the catalogue's sentence. */
  readonly message?: string;
  readonly engine?: string;
  /** Overrides the catalogue where the circumstances differ. */
  readonly retriable?: boolean;
  readonly retryAfterMs?: number;
  /** The admission policy that refused (`reject`, `drop-lru`). */
  readonly policyLabel?: string;
  /** The offending field of the request, as a dotted path. */
  readonly field?: string;
}

/** The one exception of the service: a code of the catalogue, details for the client, and the cause for the log. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';

  readonly details: ErrorDetails;

  constructor(
    readonly code: ErrorCode,
    details: ErrorDetails = {},
    cause?: unknown,
  ) {
    super(details.message ?? errorCatalogue[code].message, cause === undefined ? undefined : { cause });
    const { retryAfterMs } = this.entry;
    this.details = retryAfterMs === undefined ? details : { retryAfterMs, ...details };
  }

  get status(): number {
    return this.entry.status;
  }

  get retriable(): boolean {
    return this.details.retriable ?? this.entry.retriable;
  }

  /** The same error naming the engine it came from, unless it names one. */
  of(engine: string): ServiceError {
    return this.details.engine === undefined ? this.with({ engine }) : this;
  }

  /** The same error with the advice not to come back earlier. */
  after(retryAfterMs: number): ServiceError {
    return this.with({ retryAfterMs });
  }

  private with(more: ErrorDetails): ServiceError {
    return new ServiceError(this.code, { ...this.details, message: this.message, ...more }, this.cause ?? this);
  }

  private get entry(): CatalogueEntry {
    return errorCatalogue[this.code];
  }
}

/** Gives any thrown value a code: our own errors keep theirs, everything else is INTERNAL with the value as its cause. */
export function asServiceError(thrown: unknown): ServiceError {
  return thrown instanceof ServiceError ? thrown : new ServiceError('INTERNAL', {}, thrown);
}
