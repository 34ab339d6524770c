import { ModelInstance } from '../../model-instance';
import { uvicornHttp } from '../vllm/http';
import type { Server, Wire } from '../wire';
import { sglangErrors } from './errors';
import { generateRoutes } from './generate.routes';
import { poolingRoutes } from './pooling.routes';
import { RunningRequests } from './running';
import { serverRoutes, unknownModel } from './server.routes';

/** SGLang's HTTP server. */
export const sglangWire: Wire = {
  http: uvicornHttp,
  internal: message => sglangErrors.internal(message),
  server(core): Server {
    const { settings } = core;
    const instance = new ModelInstance(settings.model, settings.slots, () => core.ledger.changed());
    const running = new RunningRequests();
    const routes = {
      ...serverRoutes(core, instance, running),
      ...generateRoutes(core, instance, running),
      ...poolingRoutes(core, instance),
    };
    return {
      routes,
      instances: () => [instance],
      loadsAtStart: true,
      openWhileAsleep: new Set(),
      admit: ({ request, url }) => {
        const open = /^\/(?:health|ready|metrics)/.test(url.pathname);
        const { authorization } = request.headers;
        if (settings.apiKey !== undefined && !open && authorization !== `Bearer ${settings.apiKey}`) {
          throw sglangErrors.unauthorized();
        }
        if (core.controls.loading) throw sglangErrors.starting();
      },
      unrouted: ({ request, url }) => {
        const model = unknownModel(url.pathname);
        if (model) return model;
        const other = ['GET', 'POST'].find(
          method => method !== request.method && `${method} ${url.pathname}` in routes,
        );
        return other ? sglangErrors.wrongMethod(other) : sglangErrors.notFound();
      },
    };
  },
};
