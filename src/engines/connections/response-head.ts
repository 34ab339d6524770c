/** Names in lower case; a field that comes several times is one, its values with a comma between them. */
export type ResponseHeaders = Readonly<Record<string, string | undefined>>;

/** What an answer says of itself before its body. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Where the body ends: `chunked`, a number of bytes, or with the connection. */
  readonly body: 'chunked' | 'until close' | number;
  /** The connection can serve another request once the body has ended. */
  readonly keepsAlive: boolean;
  /** For how long it is kept, where the engine says so, in milliseconds. */
  readonly keptForMs: number | undefined;
}

/** The engine sent something that is not an answer of HTTP/1.1 (RFC 9112). */
export class NotHttpError extends Error {}

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const notOfValue = /[\0-\x08\x0a-\x1f\x7f]/;
const aroundValue = /^[ \t]+|[ \t]+$/g;
const length = /^\d{1,15}$/;
const keptFor = /(?:^|[\s,;])timeout=(\d{1,9})/i;

/**
 * @param text status line and fields, as Latin-1, without the empty line behind them
 * @throws NotHttpError
 */
export function parseHead(text: string): ResponseHead {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, code] = statusLine.exec(first) ?? [];
  if (code === undefined) throw new NotHttpError('no status line of HTTP/1.1');
  const status = Number(code);
  const headers = fieldsOf(lines);
  const body = bodyOf(status, headers);
  const connection = headers['connection']?.toLowerCase() ?? '';
  const seconds = keptFor.exec(headers['keep-alive'] ?? '')?.[1];
  return {
    status,
    headers,
    body,
    keepsAlive:
      body !== 'until close' && (minor === '1' ? !/\bclose\b/.test(connection) : /\bkeep-alive\b/.test(connection)),
    keptForMs: seconds === undefined ? undefined : Number(seconds) * 1000,
  };
}

function fieldsOf(lines: readonly string[]): ResponseHeaders {
  const fields = Object.create(null) as Record<string, string | undefined>;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).replace(aroundValue, '');
    if (!fieldName.test(name) || notOfValue.test(value)) throw new NotHttpError('a field of the head is none');
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return fields;
}

/** RFC 9112, section 6.3, for the answer to a `GET` or a `POST`. */
function bodyOf(status: number, headers: ResponseHeaders): ResponseHead['body'] {
  if (status < 200 || status === 204 || status === 304) return 0;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) return /(?:^|,)[ \t]*chunked$/i.test(coding) ? 'chunked' : 'until close';
  const stated = headers['content-length'];
  if (stated === undefined) return 'until close';
  // Said twice, it has to be the same.
  const [bytes = '', ...again] = stated.split(',').map(each => each.trim());
  if (!length.test(bytes) || again.some(each => each !== bytes)) throw new NotHttpError('a length that is none');
  return Number(bytes);
}
