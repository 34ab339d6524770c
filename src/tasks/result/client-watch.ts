import type { ServerResponse } from 'node:http';
import { soundOut } from '../stream/soundings';

/**
 * Calls `onLeft` once when the client of an answer that has not begun is gone. One that leaves looks at first like one that has closed
 * its side of the connection and still waits, see {@link soundOut}. The only thing that may be written before an answer is an interim one (RFC 9110, section 15.2).
 * @returns ends the watch
 */
export function watchClient(response: ServerResponse, onLeft: () => void): () => void {
  const { req: request } = response;
  let endSoundings: (() => void) | undefined;
  const halfClosed = (): void => {
    // A client of HTTP/1.0 knows no interim answers.
    if (request.httpVersion === '1.0') return onLeft();
    endSoundings = soundOut(() => response.writeProcessing(), true);
  };
  response.once('close', onLeft);
  request.socket.once('end', halfClosed);
  if (response.destroyed) onLeft();
  else if (request.socket.readableEnded) halfClosed();
  return () => {
    endSoundings?.();
    response.off('close', onLeft);
    request.socket.off('end', halfClosed);
  };
}
