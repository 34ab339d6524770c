import type { IncomingMessage, RequestListener } from 'node:http';
import type { EngineCore } from './engine-core';
import { Exchange } from './exchange';
import type { Routes } from './routes/routes';
import { WireError, wireErrors } from './wire/errors';

const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
/** As with llama.cpp, the list of models answers while the model loads. */
const openWhileLoading: ReadonlySet<string> = new Set(['GET /models', 'GET /v1/models']);

/** What neither wakes the engine nor keeps it awake. */
const openWhileAsleep: ReadonlySet<string> = new Set([
  ...['GET /health', 'GET /v1/health', 'GET /props', 'GET /metrics'],
  ...openWhileLoading,
]);

/** As with llama.cpp, nobody needs a key to ask for the health. */
const open: ReadonlySet<string> = new Set(['/health', '/v1/health']);

/** From an HTTP request to its route, and from what a route throws to an answer. */
export function front(core: EngineCore, serverRoutes: Routes, controlRoutes: Routes): RequestListener {
  const dispatch = async (exchange: Exchange, route: string) => {
    const control = controlRoutes[route];
    if (control) return control(exchange);
    record(core, exchange);
    await core.faults.unwedged();
    if (!isLetIn(core, exchange)) throw wireErrors.invalidKey();
    if (core.controls.loading && !openWhileLoading.has(route)) throw wireErrors.loading();
    const handler = serverRoutes[route];
    if (!handler) throw wireErrors.notFound();
    return openWhileAsleep.has(route) ? handler(exchange) : core.sleep.during(() => handler(exchange));
  };
  return (request, response) => {
    void readBody(request).then(async body => {
      if (body === undefined) return response.destroy();
      const exchange = new Exchange(request, response, body);
      try {
        await dispatch(exchange, `${request.method} ${exchange.url.pathname}`);
      } catch (error) {
        answerError(exchange, error);
      }
    });
  };
}

function isLetIn({ settings: { apiKey } }: EngineCore, { request, url }: Exchange): boolean {
  if (apiKey === undefined || open.has(url.pathname)) return true;
  const { authorization, 'x-api-key': key } = request.headers;
  return authorization === `Bearer ${apiKey}` || key === apiKey;
}

function answerError(exchange: Exchange, error: unknown): void {
  if (exchange.signal.aborted) return;
  if (exchange.begun) return exchange.destroy();
  const { status, body } = error instanceof WireError ? error : wireErrors.internal(String(error));
  exchange.sendJson(status, body);
}

function record({ ledger }: EngineCore, { request, url, body }: Exchange): void {
  if (request.method === 'GET') return;
  ledger.request(
    { method: request.method ?? '', path: `${url.pathname}${url.search}`, headers: { ...request.headers } },
    body,
  );
}

/** The whole body; undefined where the client went before its end, or it is longer than any prompt. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > BODY_LIMIT_BYTES) return undefined;
      pieces.push(piece);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces).toString('utf8');
}
