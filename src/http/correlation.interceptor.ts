import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Observable } from 'rxjs';
import { logContext, type LogContext } from '../observability/log-context';

/** Puts the request's correlation id (and identity) into the log context of everything its handler does. */
@Injectable()
export class CorrelationInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { identity } = request.caller;
    const store: LogContext = { correlation_id: request.id, ...(identity !== undefined && { identity }) };
    // The handler runs on subscription, so the context is entered there.
    return new Observable(subscriber => logContext.run(store, () => next.handle().subscribe(subscriber)));
  }
}
