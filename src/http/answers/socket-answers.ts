import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../../errors/catalogue';
import { toEnvelope } from '../../errors/envelope';
import { ServiceError } from '../../errors/service-error';
import { correlationIdOf } from '../access/caller';
import { slowBodies } from '../bodies/slow-bodies';

/** How long and how much is read of a connection that was answered and is to be closed; see EarlyAnswers. */
const DRAIN_MS = 5000;
const DRAIN_BYTES = 1024 * 1024;

/** Codes of Node's parser for requests that never became one. */
const unreadable: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
};

/** Of connections that were answered, the bytes that had come by then. */
const answered = new WeakMap<Socket, number>();

/** Answers what Node's parser could not read. It is told again for each piece that comes after that. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && slowBodies.has(socket)) return;
  const bytesBefore = answered.get(socket);
  if (bytesBefore !== undefined) {
    if (socket.bytesRead - bytesBefore > DRAIN_BYTES) socket.destroy();
    return;
  }
  // Into a response that has begun nothing else may be written: it would be read as a part of that.
  const { _httpMessage: current } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
  if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent) {
    socket.destroy();
    return;
  }
  answer(socket, faultOf(error), correlationIdOf({}));
}

/** A CONNECT asks for a tunnel, and its target is no path: it reaches no route, and Node closes on it unless somebody answers. */
export function answerConnect(
  request: IncomingMessage,
  socket: Socket,
  refusalOf: (correlationId: string) => ServiceError | undefined,
): void {
  const correlationId = correlationIdOf(request.headers);
  const message = 'CONNECT is not allowed: this is no proxy.';
  const refusal = refusalOf(correlationId) ?? new ServiceError('METHOD_NOT_ALLOWED', { message });
  socket.on('error', () => undefined);
  // Nobody reads it any longer.
  socket.resume();
  answer(socket, refusal, correlationId, refusal.code === 'METHOD_NOT_ALLOWED' ? 'Allow: \r\n' : '');
}

function faultOf({ code = '' }: { readonly code?: string }): ServiceError {
  const known = unreadable[code];
  if (known) return new ServiceError(known);
  const message =
    code === 'HPE_INVALID_EOF_STATE' ? 'the request ended before it was complete' : 'the request is not valid HTTP';
  return new ServiceError('INVALID_PARAMS', { message });
}

function answer(socket: Socket, fault: ServiceError, correlationId: string, headers = ''): void {
  const body = `${JSON.stringify(toEnvelope(fault, correlationId))}\n`;
  answered.set(socket, socket.bytesRead);
  socket.end(
    `HTTP/1.1 ${fault.status} Error\r\nContent-Type: application/json; charset=utf-8\r\n${headers}` +
      `X-Correlation-Id: ${correlationId}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  const timer = setTimeout(() => socket.destroy(), DRAIN_MS);
  socket.once('close', () => clearTimeout(timer));
}
