import type { Exchange } from '../../exchange';
import type { HttpDialect } from '../../http-dialect';
import { wireErrors } from './errors';

/** cpp-httplib's, of which `max` is a constant on the wire. */
const KEEP_ALIVE = ['Keep-Alive', 'timeout=5, max=100'] as const;

/** cpp-httplib as llama.cpp uses it. A router passes the headers of the model's own server on, `Connection: close` among them. */
export const llamacppHttp: HttpDialect = {
  json: 'application/json; charset=utf-8',
  stream: 'text/event-stream',
  closesOnError: true,
  headers({ contentType, length, closes, origin, proxied, more }) {
    return [
      ['Server', 'llama.cpp'],
      ['Access-Control-Allow-Origin', origin ?? ''],
      ...(proxied ? [['Connection', 'close'] as const] : []),
      ...more,
      ...(length === undefined ? [['X-Accel-Buffering', 'no'] as const] : []),
      ['Content-Type', contentType],
      length === undefined ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(length)],
      closes ? ['Connection', 'close'] : KEEP_ALIVE,
    ];
  },
};

/** The body as an object. Throws the answer to one that is none. */
export function bodyOf(exchange: Exchange): Readonly<Record<string, unknown>> {
  const value = exchange.json();
  if (value === undefined) throw wireErrors.badJson(exchange.body);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
