import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';

/** Lets workers in by the bearer token of `AUTH_TOKEN`: a machine's credential, apart from the API keys. */
@Injectable()
export class WorkerTokenGuard implements CanActivate {
  constructor(private readonly config: Config) {}

  canActivate(context: ExecutionContext): boolean {
    const token = sentToken(context.switchToHttp().getRequest<FastifyRequest>().headers.authorization);
    if (token === undefined) throw new ServiceError('MISSING_TOKEN');
    if (!isSame(token, this.config.authToken)) throw new ServiceError('BAD_TOKEN');
    return true;
  }
}

/** Whatever was sent as one, also what no token can be: that is a wrong one, not a missing one. */
function sentToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S.*)$/i.exec(header ?? '')?.[1];
}

/** In constant time over digests of both, so that neither content nor length shows. Nothing matches where none is set. */
function isSame(token: string, expected: string | undefined): boolean {
  return timingSafeEqual(digest(token), digest(expected ?? '')) && expected !== undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
