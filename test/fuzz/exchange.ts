import { request as httpRequest, type Agent, type IncomingHttpHeaders } from 'node:http';

export interface Exchange {
  /** 0 where it was left before there was any. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The answer went on, and was left in the middle. */
  readonly left: boolean;
}

export interface Outgoing {
  readonly method: string;
  /** As it stands on the wire. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A stream is read for this long; it can last as long as a task does. */
const STREAM_MS = 250;
/** A request that asks to be kept waiting is left after this long, if it is. */
const WAIT_MS = 1200;
/** The last resort for everything else. */
const DEADLINE_MS = 30_000;

/** Sends one request and takes in its answer. Rejects where there is none. */
export function exchange(url: string, agent: Agent, { method, target, headers, body }: Outgoing): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const request = httpRequest({
      ...{ host: hostname, port, path: target, method, agent },
      headers: { ...headers, ...length },
    });
    const mayWait = /[?&]wait=/.test(target) || 'X-Orchd-Max-Wait-Ms' in headers;
    const giveUp = (): void => {
      if (mayWait) resolve({ status: 0, headers: {}, text: '', left: true });
      request.destroy(new Error('no answer in time'));
    };
    const deadline = setTimeout(giveUp, mayWait ? WAIT_MS : DEADLINE_MS);
    request.on('error', cause => {
      clearTimeout(deadline);
      reject(cause);
    });
    request.on('response', response => {
      const pieces: Buffer[] = [];
      const answer = (left: boolean): void => {
        clearTimeout(deadline);
        clearTimeout(patience);
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, text: Buffer.concat(pieces).toString('utf8'), left });
        if (left) request.destroy();
      };
      const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
      const patience = isStream ? setTimeout(() => answer(true), STREAM_MS) : undefined;
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => answer(false));
      response.on('error', () => undefined); // Of a stream that was left.
    });
    request.end(body);
  });
}
