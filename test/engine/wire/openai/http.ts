import type { HttpDialect } from '../../http-dialect';

/** A hosted server's: lower-case names, and those headers that clients of OpenAI read. */
export const openaiHttp: HttpDialect = {
  json: 'application/json',
  stream: 'text/event-stream; charset=utf-8',
  closesOnError: false,
  headers({ contentType, length, closes, more }) {
    return [
      ['date', new Date().toUTCString()],
      ['content-type', contentType],
      length === undefined ? ['transfer-encoding', 'chunked'] : ['content-length', String(length)],
      ['access-control-expose-headers', 'X-Request-ID'],
      ['openai-version', '2020-10-01'],
      ...more,
      ...(closes ? [['connection', 'close'] as const] : []),
    ];
  },
};
