import { request as httpRequest, type Agent, type IncomingHttpHeaders } from 'node:http';
import { LAST_RESORT_MS } from './deadline';

export interface RequestOptions {
  /** One whose value is undefined is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** An object is sent as JSON; a text or bytes as they are, with no content type of their own. */
  readonly body?: object | string | Uint8Array;
  /** For the whole answer. */
  readonly deadlineMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; throws where it is none. */
  json<T = Record<string, unknown>>(): T;
}

/** One request and its whole answer. Unlike `fetch` it sends the path as it is written, and any header. */
export function sendRequest(
  url: string,
  agent: Agent,
  method: string,
  path: string,
  { headers = {}, body, deadlineMs = LAST_RESORT_MS }: RequestOptions = {},
): Promise<HttpAnswer> {
  const asItIs = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  const bytes = asItIs ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const request = httpRequest({ host, port, path, method, agent, signal: AbortSignal.timeout(deadlineMs) });
    if (!asItIs) request.setHeader('Content-Type', 'application/json');
    if (bytes !== undefined) request.setHeader('Content-Length', Buffer.byteLength(bytes));
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) request.setHeader(name, value);
    request.on('error', cause => reject(new Error(`${method} ${path} got no answer`, { cause })));
    request.on('response', response => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', cause => reject(new Error(`the answer to ${method} ${path} broke off`, { cause })));
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, text, json: <T>() => JSON.parse(text) as T });
      });
    });
    request.end(bytes);
  });
}
