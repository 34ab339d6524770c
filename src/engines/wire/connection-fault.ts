import { ServiceError } from '../../errors/service-error';
import { ConnectionClosedError, ConnectTimeoutError } from '../connections/engine-connection';
import { NotHttpError } from '../connections/response-head';

/** The error behind a connection that failed, in words without an address; the cause is for the log. */
export function connectionFault(cause: unknown): ServiceError {
  if (cause instanceof NotHttpError) {
    return new ServiceError('ENGINE_PROTOCOL', { message: 'The engine sent something that is not HTTP.' }, cause);
  }
  return new ServiceError('WORKER_RESET', { message: describe(codeOf(cause)) }, cause);
}

/** Codes of Node's sockets and resolver. */
function describe(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'The engine refused the connection.';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'The engine closed the connection.';
    case 'EACCES': // The policy found no address that it allows.
      return 'The engine has no address at which an engine may live.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return "The engine's host name has no address.";
    case 'ETIMEDOUT':
      return 'The connection to the engine could not be made in time.';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return "The engine's certificate is signed by nobody who is trusted: its key file can name the authority (ca_file).";
    case 'CERT_HAS_EXPIRED':
      return "The engine's certificate has expired.";
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return "The engine's certificate is for another host.";
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'The engine does not speak TLS: its URL is one of http.';
    default:
      return 'The connection to the engine failed.';
  }
}

function codeOf(cause: unknown): string {
  if (cause instanceof ConnectionClosedError) return 'ECONNRESET';
  if (cause instanceof ConnectTimeoutError) return 'ETIMEDOUT';
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
