import type { FastifyReply, FastifyRequest } from 'fastify';

/** What pages may read of an answer beside its body. */
const exposed = [
  ...[
    'X-Correlation-Id',
    'X-Request-Id',
    'openai-processing-ms',
    'Retry-After',
    'X-Backoff-Ms',
    'X-Should-Retry',
    'Location',
  ],
  ...['Queue-Position', 'Predicted-Start-Ms', 'Task-Id', 'Pool', 'Replica', 'Estimated'].map(name => `X-Orchd-${name}`),
  ...['Limit', 'Remaining'].flatMap(what => ['Requests', 'Tokens'].map(of => `X-RateLimit-${what}-${of}`)),
  ...['Tokens', 'Time', 'Cost'].map(what => `X-Budget-${what}-Remaining`),
].join(', ');

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
/** A browser need not ask again for so long. */
const MAX_AGE_S = 600;
/** The names of the headers that a page wants to send, as far as they can be some. */
const HEADER_NAMES = /^[\w-]{1,64}( *, *[\w-]{1,64}){0,63}$/;

/**
 * Lets pages of other origins use the service (`ORCHD_CORS_ORIGINS`). They need a key as everybody does; only a browser's question
 * whether it may ask is answered without one, and tells the same of every path.
 */
export class Cors {
  private readonly origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.origins = new Set(origins);
  }

  /** Marks the answer for the page that asks; true where that was the browser's question, which is answered. */
  answers({ method, headers }: FastifyRequest, reply: FastifyReply): boolean {
    if (this.origins.size === 0) return false;
    const { origin } = headers;
    const isAll = this.origins.has('*');
    // What is kept of an answer must not be given to another page; nor to this one, where there was none.
    if (!isAll) void reply.header('Vary', 'Origin');
    if (origin === undefined || !(isAll || this.origins.has(origin))) return false;
    void reply.header('Access-Control-Allow-Origin', isAll ? '*' : origin);
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) {
      void reply.header('Access-Control-Expose-Headers', exposed);
      return false;
    }
    const wanted = String(headers['access-control-request-headers'] ?? '');
    // `*` would leave Authorization out.
    if (HEADER_NAMES.test(wanted)) void reply.header('Access-Control-Allow-Headers', wanted);
    void reply.header('Access-Control-Allow-Methods', METHODS).header('Access-Control-Max-Age', MAX_AGE_S);
    void reply.status(204).send();
    return true;
  }
}
