import type { HttpMessage } from '../support/http-message';
import { rawRequest } from '../support/raw-request';

/** Asks over a connection of its own; the answer is what stood on the wire. A body is sent as JSON unless headers say otherwise. */
export function ask(
  url: string,
  method: string,
  path: string,
  body?: string | object,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpMessage> {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const all = {
    Host: new URL(url).host,
    ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return rawRequest(url, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`);
}
