import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Observable } from 'rxjs';
import { followContext, type LogContext } from '../../observability/log-context';
import { Audit } from './audit';
import { CORRELATES_ITSELF } from '../routes/route-marks';

/** Puts the request's correlation id (and identity) into the log context of everything its handler does; tells administrative acts. */
@Injectable()
export class CorrelationInterceptor implements NestInterceptor {
  constructor(private readonly audit: Audit) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (Reflect.hasMetadata(CORRELATES_ITSELF, context.getClass())) return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { id, caller, routeOptions } = request;
    const { act } = routeOptions.config;
    const store: LogContext = {
      correlation_id: id,
      ...(caller.identity !== undefined && { identity: caller.identity }),
    };
    // The handler runs in the context in which it is asked for, on subscription: that is left when it has answered.
    const handled = (): Observable<unknown> =>
      act === undefined ? next.handle() : this.audit.attend(act, request, next.handle());
    return new Observable(subscriber => {
      subscriber.add(followContext(store, () => handled().subscribe(subscriber)));
    });
  }
}
