import type { Exchange } from '../../exchange';
import type { HttpDialect } from '../../http-dialect';
import type { Body } from '../openai/request';
import type { OllamaErrors } from './errors';

/** Go's own server: canonical names, the length only where the answer is short, nothing of the connection. */
export const ollamaHttp: HttpDialect = {
  json: 'application/json; charset=utf-8',
  stream: 'application/x-ndjson',
  closesOnError: false,
  headers({ contentType, length, closes, more }) {
    return [
      ...more,
      ['Content-Type', contentType],
      ['Date', new Date().toUTCString()],
      length === undefined ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(length)],
      ...(closes ? [['Connection', 'close'] as const] : []),
    ];
  },
};

/** The body as an object, whatever its content type says. Throws what Go says to one that is none. */
export function bodyOf(exchange: Exchange, errors: OllamaErrors): Body {
  if (exchange.body.trim() === '') throw errors.bad('missing request body');
  const value = exchange.json();
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body;
  throw errors.bad(value === undefined ? whyNoJson(exchange.body) : 'json: cannot unmarshal into Go value');
}

/** In Go's words, as far as they are known: a text that ends too soon, or one with a wrong character. */
function whyNoJson(text: string): string {
  const open = (text.match(/[{[]/g) ?? []).length > (text.match(/[}\]]/g) ?? []).length;
  return open ? 'unexpected EOF' : `invalid character in a body of ${text.length} characters`;
}
