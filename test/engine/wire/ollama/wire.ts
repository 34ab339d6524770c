import { WireError } from '../../wire-error';
import type { Server, Wire } from '../wire';
import { embedRoutes } from './embed.routes';
import { nativeErrors, openaiErrors } from './errors';
import { generateRoutes } from './generate.routes';
import { ollamaHttp } from './http';
import { OllamaModels } from './models';
import { serverRoutes } from './server.routes';

/** Names by which a server that listens on loopback may be called. */
const ownHosts = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0)(?::\d+)?$/i;

/** Ollama: its own API and OpenAI's, models that are loaded and unloaded as they are asked for. */
export const ollamaWire: Wire = {
  http: ollamaHttp,
  internal: message => nativeErrors.failed(message),
  server(core): Server {
    const models = new OllamaModels(core);
    const routes = { ...serverRoutes(core, models), ...generateRoutes(core, models), ...embedRoutes(core, models) };
    return {
      routes,
      instances: () => models.instances,
      loadsAtStart: false,
      openWhileAsleep: new Set(),
      admit: ({ request }) => {
        // A gateway that passes its client's Host on is refused.
        const { host = '', origin } = request.headers;
        const foreign = origin !== undefined && !/^(?:https?:\/\/)(?:localhost|127\.|\[::1\])/.test(origin);
        if (ownHosts.test(core.settings.host) && (!ownHosts.test(host) || foreign)) throw new WireError(403, '');
      },
      unrouted: ({ request, url }) => {
        const [, name] = /^\/v1\/models\/(.+)$/.exec(url.pathname) ?? [];
        if (name !== undefined) return openaiErrors.notFound(`model '${name}:latest' not found`);
        const other = ['GET', 'POST'].find(
          method => method !== request.method && `${method} ${url.pathname}` in routes,
        );
        const form = { contentType: 'text/plain' };
        if (!other) return new WireError(404, '404 page not found', form);
        return new WireError(405, '405 method not allowed', { ...form, headers: [['Allow', other]] });
      },
    };
  },
};
