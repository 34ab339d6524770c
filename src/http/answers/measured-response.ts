import { ServerResponse, type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RouteFigures } from '../../observability/http-figures';
import { apiOf } from '../documents/api-of-path';

/**
 * Counts its answer when the head of it goes out, and the time until then: a stream is counted when it begins, whatever it is that
 * answers, and no request passes one more hook for it.
 */
export class MeasuredResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Told once the route is known. */
  figures: RouteFigures | undefined = undefined;
  /** Says in the head how long it took until there was one, as answers of OpenAI's API do. */
  tellsTime = false;
  private readonly begunAtMs = performance.now();

  /** Its connection has closed before it had its turn on it. */
  lose(): void {
    if (this.closed) return;
    // Node itself would say so only of one that had its turn.
    Object.defineProperty(this, 'closed', { value: true });
    this.destroy();
    this.emit('close');
  }

  override writeHead(
    status: number,
    reasonOrHeaders?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    const tookMs = performance.now() - this.begunAtMs;
    this.figures?.observe(status, tookMs);
    if (this.tellsTime) this.setHeader('openai-processing-ms', Math.round(tookMs));
    this.figures = undefined;
    return super.writeHead(status, reasonOrHeaders as string, headers);
  }
}

/** Answers of other APIs carry the request's id under the name that their clients look for; OpenAI's also the time that they took. */
export function markApi(request: FastifyRequest, reply: FastifyReply): void {
  switch (apiOf(request.url)) {
    case 'own':
    case 'ollama':
      return;
    case 'openai':
      void reply.header('X-Request-Id', request.id);
      (reply.raw as MeasuredResponse).tellsTime = true;
      return;
    case 'anthropic':
      void reply.header('Request-Id', request.id);
  }
}
