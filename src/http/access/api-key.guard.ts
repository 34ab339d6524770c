import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/**
 * Lets a request through to a handler only with a configured API key, unless the route is @Public().
 * The caller was identified before the body was read (see http-server.ts); here the verdict is enforced.
 */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { caller, routeOptions } = context.switchToHttp().getRequest<FastifyRequest>();
    if (routeOptions.config.public !== true && caller.refusal) throw caller.refusal;
    return true;
  }
}
