import type { Exchange } from '../../exchange';
import type { HttpDialect } from '../../http-dialect';
import type { HeaderList } from '../../wire-error';
import type { Body } from '../openai/request';
import { deserializationError, tgiErrors } from './errors';

const CORS: HeaderList = [
  ['vary', 'origin, access-control-request-method, access-control-request-headers'],
  ['access-control-allow-origin', '*'],
];

/** axum behind hyper, any origin allowed: lower-case names, the date last. What an answer took stands in its head. */
export const tgiHttp: HttpDialect = {
  json: 'application/json',
  stream: 'text/event-stream',
  closesOnError: false,
  headers({ status, contentType, length, closes, more }) {
    const own = more.filter(([name]) => name.startsWith('x-') && status < 400);
    return [
      ...(contentType === '' ? [] : [['content-type', contentType] as const]),
      ...(length === undefined ? [['cache-control', 'no-cache'] as const] : []),
      ...own,
      ...(length === undefined ? [['x-accel-buffering', 'no'] as const] : []),
      ...CORS,
      ...more.filter(([name]) => !name.startsWith('x-')),
      length === undefined ? ['transfer-encoding', 'chunked'] : ['content-length', String(length)],
      ...(closes ? [['connection', 'close'] as const] : []),
      ['date', new Date().toUTCString()],
    ];
  },
};

/** The body as an object. Throws the framework's refusals, which are plain text. */
export function bodyOf(exchange: Exchange, required: string): Body {
  const type = exchange.request.headers['content-type'] ?? '';
  if (!/^application\/(?:.+\+)?json\b/i.test(type)) throw tgiErrors.noJsonType();
  const value = exchange.json();
  if (value === undefined) throw tgiErrors.badJson(exchange.body.length);
  const body = (typeof value === 'object' ? (value ?? {}) : {}) as Body;
  if (body[required] === undefined) {
    throw deserializationError(`missing field \`${required}\``, exchange.body.length);
  }
  return body;
}
