import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request carries. */
export interface LogContext {
  readonly correlation_id: string;
  /** `token:<fp6>`, where a bearer token was sent. */
  readonly identity?: string;
}

const contexts = new AsyncLocalStorage<LogContext>();
let holders = 0;

/** Of the request whose work this is; undefined in work of the service's own, and where it is not followed. */
export function currentContext(): LogContext | undefined {
  return contexts.getStore();
}

/**
 * Runs `begin`, and follows the work it begins until the returned function is called (or {@link keepContext}'s, whichever is later).
 *
 * Up to Node 22, while any request is followed every promise and callback of the process costs more: a tenth of all that a token
 * costs. So nothing is followed between requests, and those of tasks never are (see {@link CorrelatesItself}).
 */
export function followContext(context: LogContext, begin: () => void): () => void {
  const release = hold();
  contexts.run(context, begin);
  return release;
}

/** For work that goes on after its request was answered: follows it until the returned function is called. */
export function keepContext(): () => void {
  return contexts.getStore() ? hold() : () => undefined;
}

function hold(): () => void {
  holders++;
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (--holders === 0) contexts.disable();
  };
}
