import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import type { ModelInstance } from '../../model-instance';
import type { Routes } from '../../routes/routes';
import { nowSeconds } from '../openai/counts';
import { hexId } from '../random-id';
import { metricsText } from './metrics-text';

/** What the server tells about itself. Its health knows nothing of an engine that stands still, only of one that is gone. */
export function serverRoutes(core: EngineCore, instance: ModelInstance): Routes {
  const health = (exchange: Exchange) => exchange.send(core.faults.isOn('engine-dead') ? 503 : 200, '', '');
  return {
    'GET /health': health,
    'GET /ping': health,
    'GET /version': exchange => exchange.sendJson(200, { version: '0.32.0' }),
    'GET /load': exchange => exchange.sendJson(200, { server_load: instance.requests }),
    'GET /v1/models': exchange => exchange.sendJson(200, modelsView(core)),
    'GET /metrics': exchange => {
      const text = metricsText(instance, core.settings);
      exchange.send(200, 'text/plain; version=1.0.0; charset=utf-8', text);
    },
  };
}

function modelsView({ settings: { model, aliases, ctxTokens, modelPath } }: EngineCore): object {
  const created = nowSeconds();
  return {
    object: 'list',
    data: [model, ...aliases].map(id => ({
      id,
      object: 'model',
      created,
      owned_by: 'vllm',
      root: modelPath ?? model,
      parent: null,
      max_model_len: ctxTokens,
      permission: [
        {
          id: `modelperm-${hexId(16)}`,
          object: 'model_permission',
          created,
          allow_create_engine: false,
          allow_sampling: true,
          allow_logprobs: true,
          allow_search_indices: false,
          allow_view: true,
          allow_fine_tuning: false,
          organization: '*',
          group: null,
          is_blocking: false,
        },
      ],
    })),
  };
}
