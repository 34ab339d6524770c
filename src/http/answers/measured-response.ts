import { ServerResponse, type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';
import type { RouteFigures } from '../../observability/http-figures';

/**
 * Counts its answer when the head of it goes out, and the time until then: a stream is counted when it begins, whatever it is that
 * answers, and no request passes one more hook for it.
 */
export class MeasuredResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Told once the route is known. */
  figures: RouteFigures | undefined = undefined;
  private readonly begunAtMs = performance.now();

  override writeHead(
    status: number,
    reasonOrHeaders?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    this.figures?.observe(status, performance.now() - this.begunAtMs);
    this.figures = undefined;
    return super.writeHead(status, reasonOrHeaders as string, headers);
  }
}
