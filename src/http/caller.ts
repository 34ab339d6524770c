import { createHash } from 'node:crypto';
import type { ServiceError } from '../errors/service-error';

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
  return `token:${createHash('sha256').update(token).digest('hex').slice(0, 6)}`;
}
