import type { HttpDialect } from '../../http-dialect';

/** Stands among an answer's own headers where it comes from before the part that says `vary`. */
export const NO_VARY = '';

/** uvicorn behind starlette: lower-case names, the date first, nothing that tells of the connection unless it closes. */
export const uvicornHttp: HttpDialect = {
  json: 'application/json',
  stream: 'text/event-stream; charset=utf-8',
  closesOnError: false,
  headers({ contentType, length, closes, more }) {
    const late = (name: string) => name.startsWith('x-');
    return [
      ['date', new Date().toUTCString()],
      ['server', 'uvicorn'],
      ...more.filter(([name]) => !late(name) && name !== NO_VARY),
      ...(length === undefined ? [] : [['content-length', String(length)] as const]),
      ...(contentType === '' ? [] : [['content-type', contentType] as const]),
      ...(more.some(([name]) => name === NO_VARY) ? [] : [['vary', 'Origin'] as const]),
      ...more.filter(([name]) => late(name)),
      ...(closes ? [['connection', 'close'] as const] : []),
      ...(length === undefined ? [['transfer-encoding', 'chunked'] as const] : []),
    ];
  },
};
