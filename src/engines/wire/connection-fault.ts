import { ServiceError } from '../../errors/service-error';

/** The error behind a connection that failed, in words without an address; the cause is for the log. */
export function connectionFault(cause: unknown): ServiceError {
  const code = codeOf(cause);
  // An end of file in the middle of a body also comes as a parser's error.
  const notHttp = (code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE') || code === 'UND_ERR_HEADERS_OVERFLOW';
  if (notHttp) {
    return new ServiceError('ENGINE_PROTOCOL', { message: 'The engine sent something that is not HTTP.' }, cause);
  }
  return new ServiceError('WORKER_RESET', { message: describe(code) }, cause);
}

/** Codes of Node's sockets and resolver, and of undici. */
function describe(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'The engine refused the connection.';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
    case 'HPE_INVALID_EOF_STATE':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'The engine closed the connection.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return "The engine's host name has no address.";
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'The connection to the engine could not be made in time.';
    default:
      return 'The connection to the engine failed.';
  }
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
