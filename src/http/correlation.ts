import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const CORRELATION_HEADER = 'x-correlation-id';

/** 1 to 128 visible ASCII characters: what can stand in a header and a log line as it is. */
const acceptable = /^[\x21-\x7e]{1,128}$/;

/** The id a request came with (`X-Correlation-Id`, or `X-Request-Id`), or a new UUIDv4. An unacceptable one is never echoed. */
export function correlationIdOf(headers: IncomingHttpHeaders): string {
  const given = headers[CORRELATION_HEADER] ?? headers['x-request-id'];
  return typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
}
