import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerFaults } from '../../openai/valid-answers';

/** Stands between a client and the service, and holds every answer that passes against the schemas of its API. */
export interface ValidatingProxy {
  readonly url: string;
  /** Answers that were looked at. */
  readonly looked: number;
  /** What was wrong since the last call. */
  takeFaults(): readonly string[];
  stop(): Promise<void>;
}

/** @param controls what a script may ask of the stage, by path: `POST /stage/…` */
export async function startValidatingProxy(
  target: () => string,
  controls: Readonly<Record<string, () => Promise<void>>>,
): Promise<ValidatingProxy> {
  let faults: string[] = [];
  let looked = 0;
  const look = (method: string, url: string, answer: IncomingMessage, text: string): void => {
    if (!url.startsWith('/v1/')) return;
    looked++;
    const contentType = answer.headers['content-type'] ?? '';
    const found = answerFaults(url, { status: answer.statusCode ?? 0, contentType, text }, method);
    faults.push(...found.map(fault => `${method} ${url} ${answer.statusCode}: ${fault}`));
  };
  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = 'GET', url = '/', headers } = request;
    const onward = httpRequest(new URL(url, target()), { method, headers }, answer => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      // One that was broken off is not whole, and nothing to look at.
      answer.on('end', () => look(method, url, answer, Buffer.concat(chunks).toString()));
      answer.on('error', () => response.destroy());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  };
  const server = createServer((request, response) => {
    const control = controls[request.url ?? ''];
    if (!control) return forward(request, response);
    control().then(
      () => response.writeHead(204).end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get looked() {
      return looked;
    },
    takeFaults: () => {
      const taken = faults;
      faults = [];
      return taken;
    },
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
