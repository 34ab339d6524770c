import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import type { Server, Wire } from '../wire';
import { wireErrors } from './errors';
import { llamacppHttp } from './http';
import { routerServer, singleModelServer } from './server.routes';

/** The list of models answers while the model loads. */
const openWhileLoading: ReadonlySet<string> = new Set(['GET /models', 'GET /v1/models']);

/** What neither wakes the engine nor keeps it awake. */
const openWhileAsleep: ReadonlySet<string> = new Set([
  ...['GET /health', 'GET /v1/health', 'GET /props', 'GET /metrics'],
  ...openWhileLoading,
]);

/** Nobody needs a key to ask for the health. */
const open: ReadonlySet<string> = new Set(['/health', '/v1/health']);

/** llama.cpp's server, with one model or as a router. */
export const llamacppWire: Wire = {
  http: llamacppHttp,
  internal: message => wireErrors.internal(message),
  server(core): Server {
    const single = core.settings.routerModels.length === 0;
    const routes = single ? singleModelServer(core) : routerServer(core);
    return {
      ...routes,
      openWhileAsleep,
      loadsAtStart: single,
      unrouted: () => wireErrors.notFound(),
      admit: (exchange, route) => {
        if (!isLetIn(core, exchange)) throw wireErrors.invalidKey();
        if (core.controls.loading && !openWhileLoading.has(route)) throw wireErrors.loading();
      },
    };
  },
};

function isLetIn({ settings: { apiKey } }: EngineCore, { request, url }: Exchange): boolean {
  if (apiKey === undefined || open.has(url.pathname)) return true;
  const { authorization, 'x-api-key': key } = request.headers;
  return authorization === `Bearer ${apiKey}` || key === apiKey;
}
