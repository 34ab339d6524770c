import type { IncomingMessage, RequestListener } from 'node:http';
import type { EngineCore } from './engine-core';
import { Exchange } from './exchange';
import type { Routes } from './routes/routes';
import { WireError } from './wire-error';
import type { Server, Wire } from './wire/wire';

const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
/** From an HTTP request to its route, and from what a route throws to an answer. */
export function front(core: EngineCore, wire: Wire, server: Server, controlRoutes: Routes): RequestListener {
  const dispatch = async (exchange: Exchange, route: string) => {
    const control = controlRoutes[route];
    if (control) return control(exchange);
    record(core, exchange);
    await core.faults.unwedged();
    server.admit(exchange, route);
    const handler = server.routes[route] ?? server.find?.(exchange.request.method ?? '', exchange.url.pathname);
    if (!handler) throw server.unrouted(exchange);
    return server.openWhileAsleep.has(route) ? handler(exchange) : core.sleep.during(() => handler(exchange));
  };
  return (request, response) => {
    void readBody(request).then(async body => {
      if (body === undefined) return response.destroy();
      const exchange = new Exchange(request, response, body, wire.http);
      try {
        await dispatch(exchange, `${request.method} ${exchange.url.pathname}`);
      } catch (error) {
        answerError(exchange, error, wire);
      }
    });
  };
}

function answerError(exchange: Exchange, error: unknown, wire: Wire): void {
  if (exchange.isGone) return;
  if (exchange.begun) return exchange.destroy();
  exchange.sendError(error instanceof WireError ? error : wire.internal(String(error)));
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
