import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { serveGeneration } from '../../generation';
import type { Handler, Routes } from '../../routes/routes';
import { tritonErrors } from './errors';
import { tritonFormat } from './format';
import type { TritonModels } from './models';
import { bodyOf, fromGenerate } from './requests';

const EXTENSIONS = [
  ...['classification', 'sequence', 'model_repository', 'model_repository(unload_dependents)', 'schedule_policy'],
  ...['model_configuration', 'binary_tensor_data', 'parameters', 'statistics', 'trace', 'logging'],
];

/** `/v2` without the routes of its models. Ready says nothing of a model's process that is dead. */
export function serverRoutes(models: TritonModels): Routes {
  const flag = (exchange: Exchange, fine: boolean) => exchange.send(fine ? 200 : 400, 'text/plain', '');
  return {
    'GET /v2': exchange => exchange.sendJson(200, { name: 'triton', version: '2.51.0', extensions: EXTENSIONS }),
    'GET /v2/health/live': exchange => flag(exchange, true),
    'GET /v2/health/ready': exchange => flag(exchange, models.allReady),
    'POST /v2/repository/index': exchange => exchange.sendJson(200, models.index),
  };
}

/** The routes of a model, by its name and perhaps its version. */
export function modelRoute(core: EngineCore, models: TritonModels, method: string, path: string): Handler | undefined {
  const [, repositoryModel = '', action] = /^\/v2\/repository\/models\/([^/]+)\/(load|unload)$/.exec(path) ?? [];
  if (action !== undefined && method === 'POST') return exchange => change(exchange, models, repositoryModel, action);
  const [, name = '', version = '1', rest = ''] =
    /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
  if (name === '') return undefined;
  const generate =
    (stream: boolean): Handler =>
    exchange => {
      if (method !== 'POST') throw tritonErrors.wrongMethod();
      const instance = models.get(name, version);
      const body = bodyOf(exchange);
      const request = fromGenerate(body, name, stream);
      const id = typeof body.id === 'string' ? body.id : undefined;
      return serveGeneration(core, instance, exchange, [request], tritonFormat(name, id));
    };
  const of: Readonly<Record<string, Handler | undefined>> = {
    generate: generate(false),
    generate_stream: generate(true),
    infer: () => {
      models.get(name, version);
      throw tritonErrors.decoupledInfer();
    },
    ready: exchange => {
      if (!models.isReady(name)) throw tritonErrors.notReady();
      exchange.send(200, 'text/plain', '');
    },
    stats: exchange => exchange.sendJson(200, statsOf(models, name, version)),
    config: exchange => exchange.sendJson(200, configOf(core, models, name, version)),
    '': exchange => {
      models.get(name, version);
      exchange.sendJson(200, metadataOf(name));
    },
  };
  return of[rest];
}

/** A load answers when it is done, an unload at once; both with nothing. */
async function change(exchange: Exchange, models: TritonModels, name: string, action: string): Promise<void> {
  if (action === 'load') await models.load(name);
  else models.unload(name);
  exchange.send(200, 'application/json', '');
}

function metadataOf(name: string): object {
  const input = (field: string, datatype: string) => ({ name: field, datatype, shape: [1] });
  return {
    name,
    versions: ['1'],
    platform: 'python',
    inputs: [input('text_input', 'BYTES'), input('max_tokens', 'INT32'), input('stream', 'BOOL')],
    outputs: [{ name: 'text_output', datatype: 'BYTES', shape: [-1] }],
  };
}

function configOf({ settings }: EngineCore, models: TritonModels, name: string, version: string): object {
  models.get(name, version);
  const input = (field: string, type: string, optional: boolean) => ({
    ...{ name: field, data_type: type, format: 'FORMAT_NONE', dims: [1] },
    ...{ is_shape_tensor: false, allow_ragged_batch: false, optional, is_non_linear_format_io: false },
  });
  return {
    ...{ name, platform: '', backend: 'python', runtime: '', version_policy: { latest: { num_versions: 1 } } },
    max_batch_size: 0,
    input: [
      input('text_input', 'TYPE_STRING', false),
      input('max_tokens', 'TYPE_INT32', true),
      input('stream', 'TYPE_BOOL', true),
    ],
    output: [{ name: 'text_output', data_type: 'TYPE_STRING', dims: [-1], label_filename: '', is_shape_tensor: false }],
    instance_group: [{ name: `${name}_0`, kind: 'KIND_CPU', count: settings.slots, gpus: [] }],
    model_transaction_policy: { decoupled: true },
  };
}

/** They move only when a request ends: a busy fresh model shows zeros. */
function statsOf(models: TritonModels, name: string, version: string): object {
  const { counters } = models.get(name, version);
  const count = { count: counters.decodes, ns: Math.round(counters.predictedMs * 1_000_000) };
  const none = { count: 0, ns: 0 };
  return {
    model_stats: [
      {
        ...{
          name,
          version: '1',
          last_inference: Date.now(),
          inference_count: count.count,
          execution_count: count.count,
        },
        inference_stats: {
          ...{
            success: count,
            fail: none,
            queue: none,
            compute_input: none,
            compute_infer: count,
            compute_output: none,
          },
          ...{ cache_hit: none, cache_miss: none },
        },
        ...{ response_stats: {}, batch_stats: [], memory_usage: [] },
      },
    ],
  };
}
