import type { EngineCore } from '../../engine-core';
import { ModelInstance } from '../../model-instance';
import { ModelRouter } from './model-router';
import { modelsView, routerModelsView } from './models-view';
import { propsView, routerPropsView } from './props-view';
import { modelRoutes } from './model.routes';
import type { Handler, Routes } from '../../routes/routes';
import type { Server } from '../wire';
import { bodyOf } from './http';

type Models = Pick<Server, 'routes' | 'instances'>;

const health: Routes = {
  'GET /health': exchange => exchange.sendJson(200, { status: 'ok' }),
  'GET /v1/health': exchange => exchange.sendJson(200, { status: 'ok' }),
};

/** One model, always loaded. */
export function singleModelServer(core: EngineCore): Models {
  const { settings } = core;
  const instance = new ModelInstance(settings.model, settings.slots, () => core.ledger.changed());
  const models: Handler = exchange => exchange.sendJson(200, modelsView(settings));
  return {
    instances: () => [instance],
    routes: {
      ...health,
      'GET /props': exchange => exchange.sendJson(200, propsView(settings, settings.model, core.sleep.isAsleep)),
      'GET /models': models,
      'GET /v1/models': models,
      ...modelRoutes(core, () => instance),
    },
  };
}

/** Many models, each loaded on demand; `model` in the body or the query says which one a request is for. */
export function routerServer(core: EngineCore): Models {
  const { settings } = core;
  const router = new ModelRouter(core);
  const models: Handler = exchange => exchange.sendJson(200, routerModelsView(router.models, settings.ctxTokens));
  const modelOf = async (exchange: Parameters<Handler>[0]) => {
    const { searchParams } = exchange.url;
    const model = exchange.request.method === 'GET' ? searchParams.get('model') : bodyOf(exchange).model;
    const found = await router.resolve(model, !['false', '0'].includes(searchParams.get('autoload') ?? ''));
    exchange.proxied = true;
    return found;
  };
  const change =
    (apply: (model: string) => void): Handler =>
    exchange => {
      apply(String(bodyOf(exchange).model));
      exchange.sendJson(200, { success: true });
    };
  return {
    instances: () => router.instances,
    routes: {
      ...health,
      'GET /props': async exchange => {
        if (!exchange.url.searchParams.has('model')) return exchange.sendJson(200, routerPropsView(settings));
        exchange.sendJson(200, propsView(settings, (await modelOf(exchange)).model, false));
      },
      'GET /models': models,
      'GET /v1/models': models,
      'POST /models/load': change(model => router.load(model)),
      'POST /models/unload': change(model => router.unload(model)),
      ...modelRoutes(core, modelOf),
    },
  };
}
