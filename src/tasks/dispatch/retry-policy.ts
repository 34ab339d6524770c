import { ServiceError } from '../../errors/service-error';

/** Attempts of one task, the first included. Being told to wait does not count. */
const MAX_ATTEMPTS = 3;
const BASE_DELAY_MS = 50;
/** Doubled with each time that there was no room, where the engine does not ask for more. */
const BUSY_DELAY_MS = 250;
const BUSY_DELAY_MAX_MS = 5000;
/** At most so much is added, in parts of the whole: those that were refused together do not come back together. */
const JITTER = 0.25;

/** What a task has been through. */
export interface Past {
  /** Attempts that count, the one that failed included. */
  readonly attempts: number;
  /** How often there was no room for it, this time included where that is what happened. */
  readonly refusals: number;
}

export type RetryDecision =
  | {
      readonly retry: true;
      /** Until the same replica may be asked again. */
      readonly delayMs: number;
      /** Until another one may be. */
      readonly elsewhereMs: number;
      /** For so long others go first; Infinity: for as long as the task lives. */
      readonly avoidMs: number;
      readonly counts: boolean;
    }
  | { readonly retry: false; readonly error: ServiceError };

/** What becomes of a task whose attempt failed before any output. After the first output nothing is ever tried again. */
export function decideRetry(error: ServiceError, past: Past, random: () => number = Math.random): RetryDecision {
  const { attempts, refusals } = past;
  const askedMs = error.details.retryAfterMs ?? 0;
  const jittered = (ms: number): number => Math.max(askedMs, ms) * (1 + JITTER * random());
  switch (error.code) {
    case 'ENGINE_BUSY': {
      const delayMs = jittered(Math.min(BUSY_DELAY_MAX_MS, BUSY_DELAY_MS * 2 ** (refusals - 1)));
      return { retry: true, delayMs, elsewhereMs: BASE_DELAY_MS, avoidMs: delayMs, counts: false };
    }
    case 'WORKER_RESET':
    case 'ENGINE_PROTOCOL':
    case 'MODEL_LOAD_FAILED':
    case 'DECODE_TIMEOUT': {
      // The last is the first token that did not come.
      if (attempts >= MAX_ATTEMPTS) return { retry: false, error: exhausted(error, attempts) };
      const elsewhereMs = BASE_DELAY_MS * 2 ** attempts;
      return { retry: true, delayMs: jittered(elsewhereMs), elsewhereMs, avoidMs: Infinity, counts: true };
    }
    default:
      return { retry: false, error };
  }
}

function exhausted(last: ServiceError, attempts: number): ServiceError {
  const { engine, retryAfterMs } = last.details;
  return new ServiceError(
    'REPLICA_EXHAUSTED',
    {
      message: `${attempts} attempts failed; the last: ${last.message}`,
      ...(engine !== undefined && { engine }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
    last,
  );
}
