import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceError } from '../errors/service-error';
import type { PathFigures } from '../observability/http-figures';

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
  interface FastifyContextConfig {
    /** Set by @Public(): the route needs no API key. */
    public?: boolean;
    /** Set by @ForWorkers(): the route needs the worker token in place of an API key. */
    workerToken?: boolean;
    /** Set by @Administrative(): what the route does, as the log names it. */
    act?: string;
    /** What is counted of the route's requests. */
    figures?: PathFigures;
    /** Set by @GetOnly(): a HEAD is not allowed. */
    getOnly?: boolean;
  }
}

/** The token of an `Authorization: Bearer` header; undefined when there is none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]+)$/i.exec(header ?? '')?.[1];
}

/** A name for a token that does not give it away. */
export function tokenIdentity(token: string): string {
  return `token:${fingerprint(token)}`;
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
  return createHash('sha256').update(secret).digest('hex').slice(0, 6);
}
