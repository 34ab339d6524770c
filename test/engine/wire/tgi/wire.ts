import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { ModelInstance } from '../../model-instance';
import type { Server, Wire } from '../wire';
import { tgiErrors } from './errors';
import { tgiHttp } from './http';
import { tgiRoutes } from './routes';

/** Routes that want the key. Health, info, metrics and models do not. */
const guarded = /^\/(?:generate|generate_stream|v1\/chat\/completions|v1\/completions|tokenize|)$/;

/** Text Generation Inference's router. */
export const tgiWire: Wire = {
  http: tgiHttp,
  internal: message => tgiErrors.internal(message),
  server(core): Server {
    const instance = new ModelInstance(core.settings.model, core.settings.slots, () => core.ledger.changed());
    const routes = tgiRoutes(core, instance);
    return {
      routes,
      instances: () => [instance],
      loadsAtStart: true,
      openWhileAsleep: new Set(),
      admit: exchange => {
        // Its port opens only when the model is warm; here it is open, and closes each connection at once.
        if (core.controls.loading) {
          exchange.destroy();
          throw tgiErrors.internal('it starts');
        }
        if (!isLetIn(core, exchange)) throw tgiErrors.unauthorized();
      },
      unrouted: ({ request, url }) => {
        const other = ['GET', 'POST'].find(
          method => method !== request.method && `${method} ${url.pathname}` in routes,
        );
        return other ? tgiErrors.wrongMethod(other) : tgiErrors.notFound();
      },
    };
  },
};

/** The key is compared without regard to case. */
function isLetIn({ settings: { apiKey } }: EngineCore, { request, url }: Exchange): boolean {
  if (apiKey === undefined || request.method !== 'POST' || !guarded.test(url.pathname)) return true;
  return request.headers.authorization?.toLowerCase() === `bearer ${apiKey}`.toLowerCase();
}
