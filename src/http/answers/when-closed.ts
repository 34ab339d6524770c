import type { ServerResponse } from 'node:http';

/** Calls `then` once: when the answer has been sent, or when its client has left, which may be before anybody asks. */
export function whenClosed(response: ServerResponse, then: () => void): void {
  if (response.closed) then();
  else response.once('close', then);
}

/** Aborted when {@link whenClosed} tells. */
export function closedSignal(response: ServerResponse): AbortSignal {
  const closed = new AbortController();
  whenClosed(response, () => closed.abort());
  return closed.signal;
}
