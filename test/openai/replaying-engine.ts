import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Recorded } from './recorded';
import { streamOf } from './stream-of';

/** A server of OpenAI's API that has these models, and gives what was recorded to whatever it is asked. */
export interface ReplayingEngine {
  readonly url: string;
  /** What it gives from now on. */
  give(exchange: Recorded): void;
  /** What it was sent since; undefined where that is nothing. */
  readonly asked: unknown;
  stop(): Promise<void>;
}

export async function replayingEngine(models: readonly string[]): Promise<ReplayingEngine> {
  let exchange: Recorded | undefined;
  let asked: unknown;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const send = (status: number, type: string, body: string): void =>
        void response.writeHead(status, { 'Content-Type': type }).end(body);
      if (request.url === '/v1/models') {
        const data = models.map(id => ({ id, object: 'model', created: 1, owned_by: 'openai' }));
        return send(200, 'application/json', JSON.stringify({ object: 'list', data }));
      }
      if (request.method !== 'POST' || !exchange)
        return send(404, 'application/json', '{"error":{"message":"Not Found"}}');
      asked = JSON.parse(Buffer.concat(chunks).toString());
      const { status, contentType, reply } = exchange;
      if (typeof reply === 'string') return send(status, contentType, reply);
      // Text is always asked for in a stream.
      const isStreamed = status === 200 && (asked as { stream?: boolean }).stream === true;
      send(
        status,
        isStreamed ? 'text/event-stream' : contentType,
        isStreamed ? streamOf(reply) : JSON.stringify(reply),
      );
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    give: next => {
      exchange = next;
      asked = undefined;
    },
    get asked() {
      return asked;
    },
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
