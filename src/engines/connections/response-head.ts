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

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
/** A lone LF ends a line too: RFC 9112, section 2.2, lets us, and error pages that were written by hand have it. */
const lineEnd = /\r?\n/;
/** A line that is folded reads as one with a space (RFC 9112, section 5.2). */
const fold = /\r?\n[ \t]+/g;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const forbiddenInValue = /[\0-\x08\x0a-\x1f\x7f]/;
const [SPACE, TAB] = [0x20, 0x09];
const contentLength = /^0*\d{1,15}$/;
/** Of a list that may have empty elements. */
const lastIsChunked = /(?:^|,)[ \t]*chunked[ \t,]*$/i;
const keepAliveTimeout = /(?:^|[\s,;])timeout=(\d{1,9})/i;

/**
 * @param text status line and fields, as Latin-1, without the line end behind the last and the empty line
 * @throws NotHttpError
 */
export function parseHead(text: string): ResponseHead {
  const [first = '', ...lines] = text.replace(fold, ' ').split(lineEnd);
  const [, minor, code] = statusLine.exec(first) ?? [];
  if (code === undefined) throw new NotHttpError('no status line of HTTP/1.1');
  const status = Number(code);
  const headers = fieldsOf(lines);
  const body = bodyOf(status, headers);
  const seconds = keepAliveTimeout.exec(headers['keep-alive'] ?? '')?.[1];
  return {
    status,
    headers,
    body,
    keepsAlive: body !== 'until close' && isFramedOnce(minor, headers) && isPersistent(minor, headers['connection']),
    keptForMs: seconds === undefined ? undefined : Number(seconds) * 1000,
  };
}

/** @throws NotHttpError where a line is no field */
export function checkTrailers(text: string): void {
  if (text !== '') fieldsOf(text.replace(fold, ' ').split(lineEnd));
}

/** With both a coding and a length, or a coding of HTTP/1.0, the engine may see another end than we do (RFC 9112, section 6.1). */
function isFramedOnce(minor: string | undefined, headers: ResponseHeaders): boolean {
  return headers['transfer-encoding'] === undefined || (minor === '1' && headers['content-length'] === undefined);
}

function isPersistent(minor: string | undefined, connection = ''): boolean {
  return minor === '1' ? !/\bclose\b/i.test(connection) : /\bkeep-alive\b/i.test(connection);
}

function fieldsOf(lines: readonly string[]): ResponseHeaders {
  const fields = Object.create(null) as Record<string, string | undefined>;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = trimmed(line.slice(colon + 1));
    if (!fieldName.test(name) || forbiddenInValue.test(value)) throw new NotHttpError('a field of the head is none');
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return fields;
}

/** RFC 9112, section 6.3, for the answer to a `GET` or a `POST`. */
function bodyOf(status: number, headers: ResponseHeaders): ResponseHead['body'] {
  if (status < 200 || status === 204 || status === 304) return 0;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) return lastIsChunked.test(coding) ? 'chunked' : 'until close';
  const stated = headers['content-length'];
  if (stated === undefined) return 'until close';
  // Said twice, it has to be the same.
  const [bytes = '', ...again] = stated.split(',').map(trimmed);
  if (!contentLength.test(bytes) || again.some(each => each !== bytes)) throw new NotHttpError('a length that is none');
  return Number(bytes);
}

/** Without the blanks around it. (`trim` takes more away; a regular expression for those at the end is quadratic in those within.) */
function trimmed(value: string): string {
  let [start, end] = [0, value.length];
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === SPACE || char === TAB;
}
