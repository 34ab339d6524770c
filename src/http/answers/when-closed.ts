import type { ServerResponse } from 'node:http';

/** Calls `then` once: when the answer has been sent, or when its client has left, which may be before anybody asks. */
export function whenClosed(response: ServerResponse, then: () => void): void {
  if (response.closed) then();
  else response.once('close', then);
}
