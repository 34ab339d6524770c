import { ServerResponse, type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';
import type { RouteFigures } from '../../observability/http-figures';

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
