import { Catch, HttpException, Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../errors/catalogue';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { apiOf } from '../documents/api-of-path';
import { errorForms, isFutile } from './error-forms';

/** Turns whatever a route threw into the envelope, with the headers that go with it. */
@Injectable()
@Catch()
export class EnvelopeFilter implements ExceptionFilter {
  constructor(private readonly narrator: Narrator) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, { id }: FastifyRequest, reply: FastifyReply): void {
    const error = fromThrown(thrown);
    if (error.code === 'INTERNAL') {
      this.narrator.fail(
        'A request failed inside the service.',
        { event: 'request_failed', correlation_id: id },
        thrown,
      );
    }
    if (reply.sent) return; // A stream that has begun says it in its own last event.
    sendError(reply, error);
  }
}

export function sendError(reply: FastifyReply, error: ServiceError): void {
  const { retryAfterMs } = error.details;
  if (retryAfterMs !== undefined) {
    void reply.header('Retry-After', Math.max(1, Math.ceil(retryAfterMs / 1000)));
    void reply.header('X-Backoff-Ms', Math.ceil(retryAfterMs));
  }
  const form = errorForms[apiOf(reply.request.url)];
  if (isFutile(form, error)) void reply.header('X-Should-Retry', 'false');
  const body = form.bodyOf(error, reply.request.id);
  void reply.status(form.statusOf(error)).header('Content-Type', 'application/json; charset=utf-8');
  reply.server.earlyAnswers.send(reply, `${JSON.stringify(body)}\n`, othersMayDoBetter.has(error.code));
}

/** Of this process, and not of the request: a client that kept its connection would come here again, and never to another node. */
const othersMayDoBetter: ReadonlySet<ErrorCode> = new Set(['SHUTTING_DOWN', 'STORAGE_UNAVAILABLE']);

/** Faults that the framework names by code before a handler runs. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_MAX_PARAM_LENGTH: 'URI_TOO_LONG',
};

/** Gives a framework's error its code in the catalogue; its own message stays out of the answer unless it is a 400. */
export function fromThrown(thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  if (thrown instanceof HttpException) {
    return thrown.getStatus() === 404 ? new ServiceError('ROUTE_NOT_FOUND') : byStatus(thrown.getStatus(), thrown);
  }
  const { code, statusCode } = (thrown ?? {}) as { code?: string; statusCode?: number };
  const known = code === undefined ? undefined : frameworkCodes[code];
  return known ? new ServiceError(known) : byStatus(statusCode, thrown);
}

function byStatus(status: number | undefined, cause: unknown): ServiceError {
  if (status === undefined || status < 400 || status >= 500) return new ServiceError('INTERNAL', {}, cause);
  switch (status) {
    case 408:
      return new ServiceError('REQUEST_TIMEOUT');
    case 413:
      return new ServiceError('BODY_TOO_LARGE');
    case 414:
      return new ServiceError('URI_TOO_LONG');
    case 415:
      return new ServiceError('UNSUPPORTED_MEDIA_TYPE');
    default:
      return new ServiceError('INVALID_PARAMS', { message: 'the request is malformed' }, cause);
  }
}
