import { connect } from 'node:net';
import { parseHttpMessage, type HttpMessage } from './http-message';
import { LAST_RESORT_MS } from './deadline';

/**
 * Sends bytes, well-formed or not, over a connection of their own, and reads the one response to them. Resolves when the
 * response is complete or the peer closed, with what had come by then; rejects where it does neither within `deadlineMs`.
 */
export function rawRequest(url: string, bytes: string | Uint8Array, deadlineMs = LAST_RESORT_MS): Promise<HttpMessage> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    let refusal: Error | undefined;
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => socket.write(bytes));
    const timer = setTimeout(() => {
      reject(
        new Error(
          `no complete response within ${deadlineMs} ms; so far: ${Buffer.concat(received).toString('utf8', 0, 1000)}`,
        ),
      );
      socket.destroy();
    }, deadlineMs);
    const settle = (connectionEnded: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      // A peer may close with a reset because it read no further: what it said before that still counts.
      if (received.length === 0 && refusal && socket.bytesWritten === 0) return reject(refusal);
      resolve(parseHttpMessage(Buffer.concat(received), connectionEnded));
    };
    socket.on('data', piece => {
      received.push(piece);
      if (parseHttpMessage(Buffer.concat(received), false).complete) settle(false);
    });
    socket.on('error', error => (refusal = error));
    socket.on('close', () => settle(true));
  });
}
