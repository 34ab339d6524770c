import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { ModelInstance } from '../../model-instance';
import type { Server, Wire } from '../wire';
import { vllmErrors } from './errors';
import { generateRoutes } from './generate.routes';
import { uvicornHttp } from './http';
import { poolingRoutes } from './pooling.routes';
import { serverRoutes } from './server.routes';
import { tokenizerRoutes } from './tokenizer.routes';

/** vLLM's API server: one model under one or more names, a bound of sequences at once, a queue without one. */
export const vllmWire: Wire = {
  http: uvicornHttp,
  internal: message => vllmErrors.internal(message),
  server(core): Server {
    const instance = new ModelInstance(core.settings.model, core.settings.slots, () => core.ledger.changed());
    // Routes for another kind of model are not there at all.
    const work = core.settings.serves === 'text' ? generateRoutes : poolingRoutes;
    const routes = { ...serverRoutes(core, instance), ...tokenizerRoutes(core), ...work(core, instance) };
    return {
      routes,
      instances: () => [instance],
      openWhileAsleep: new Set(),
      loadsAtStart: true,
      unrouted: ({ url, request }) => {
        const other = ['GET', 'POST'].find(
          method => method !== request.method && `${method} ${url.pathname}` in routes,
        );
        return other ? vllmErrors.wrongMethod(other) : vllmErrors.notFound();
      },
      admit: exchange => {
        // While it starts its port is closed; here it is open, and closes each connection at once.
        if (core.controls.loading) {
          exchange.destroy();
          throw vllmErrors.internal('it starts');
        }
        if (!isLetIn(core, exchange)) throw vllmErrors.unauthorized();
      },
    };
  },
};

/** Only what lies under these is guarded, and only a bearer token counts. */
function isLetIn({ settings: { apiKey } }: EngineCore, { request, url }: Exchange): boolean {
  if (apiKey === undefined || !/^\/(?:v1|v2|inference|cohere)\b/.test(url.pathname)) return true;
  const [scheme = '', key] = (request.headers.authorization ?? '').split(' ');
  return scheme.toLowerCase() === 'bearer' && key === apiKey;
}
