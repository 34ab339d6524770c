import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request carries. */
export interface LogContext {
  readonly correlation_id: string;
  /** `token:<fp6>`, where a bearer token was sent. */
  readonly identity?: string;
}

/** Follows a request through its asynchronous work. */
export const logContext = new AsyncLocalStorage<LogContext>();
