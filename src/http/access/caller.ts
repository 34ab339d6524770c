import { hash, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceError } from '../../errors/service-error';

/** Who sent a request, as far as its headers tell. Worked out once, before its body is read. */
export interface Caller {
  /** Why a route that is not public refuses this caller; undefined when its credential is good. */
  readonly refusal?: ServiceError;
  /** `token:<fp6>` where a bearer token was sent: its first six hex of SHA-256, safe to log. */
  readonly identity?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
}

/** The token of an `Authorization: Bearer` header; undefined when there is none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]+)$/i.exec(header ?? '')?.[1];
}

/** A name for the bearer token that does not give it away; undefined where there is none. */
export function identityOf(authorization: string | undefined): string | undefined {
  const token = bearerToken(authorization);
  return token === undefined ? undefined : `token:${fingerprint(token)}`;
}

/** The same for the API key that was sent, if one was: `key:<fp6>`. */
export function keyIdentity({ 'x-api-key': key }: IncomingHttpHeaders): string | undefined {
  return key === undefined ? undefined : `key:${fingerprint(keyText(key))}`;
}

/** Sent twice, it is one that nobody has. */
export function keyText(header: string | string[]): string {
  return Array.isArray(header) ? header.join(',') : header;
}

function fingerprint(secret: string): string {
  return hash('sha256', secret, 'hex').slice(0, 6);
}

const CORRELATION_HEADER = 'x-correlation-id';

/** 1 to 128 visible ASCII characters: what can stand in a header and a log line as it is. */
const acceptable = /^[\x21-\x7e]{1,128}$/;

/** The id a request came with (`X-Correlation-Id`, or `X-Request-Id`), or a new UUIDv4. An unacceptable one is never echoed. */
export function correlationIdOf(headers: IncomingHttpHeaders): string {
  const given = headers[CORRELATION_HEADER] ?? headers['x-request-id'];
  return typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
}
