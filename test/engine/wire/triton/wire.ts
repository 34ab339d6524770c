import type { Server, Wire } from '../wire';
import { tritonErrors } from './errors';
import { tritonHttp } from './http';
import { TritonModels } from './models';
import { modelRoute, serverRoutes } from './routes';

/** Triton's HTTP server with models that take `text_input`, as those of its vLLM and TensorRT-LLM backends. */
export const tritonWire: Wire = {
  http: tritonHttp,
  internal: message => tritonErrors.internal(message),
  server(core): Server {
    const models = new TritonModels(core);
    return {
      routes: serverRoutes(models),
      find: (method, path) => modelRoute(core, models, method, path),
      instances: () => models.instances,
      loadsAtStart: false,
      openWhileAsleep: new Set(),
      admit: () => undefined,
      unrouted: () => tritonErrors.notFound(),
    };
  },
};
