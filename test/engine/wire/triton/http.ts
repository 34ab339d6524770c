import type { HttpDialect } from '../../http-dialect';

/** Triton's own server: no date, no name; the length first where there is only text. */
export const tritonHttp: HttpDialect = {
  json: 'application/json',
  stream: 'text/event-stream; charset=utf-8',
  closesOnError: false,
  headers({ contentType, length, closes, more }) {
    const type = ['Content-Type', contentType] as const;
    const end =
      length === undefined
        ? (['Transfer-Encoding', 'chunked'] as const)
        : (['Content-Length', String(length)] as const);
    return [
      ...more,
      ...(contentType === 'text/plain' ? [end, type] : [type, end]),
      ...(closes ? [['Connection', 'close'] as const] : []),
    ];
  },
};
