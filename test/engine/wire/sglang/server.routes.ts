import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import type { ModelInstance } from '../../model-instance';
import type { Routes } from '../../routes/routes';
import { nowSeconds } from '../openai/counts';
import { sglangErrors } from './errors';
import { bodyOf } from './generate.routes';
import type { RunningRequests } from './running';

const VERSION = '0.5.23';

/** What the server tells about itself and its load, and what its operator may do. */
export function serverRoutes(core: EngineCore, instance: ModelInstance, running: RunningRequests): Routes {
  const { settings } = core;
  /** It waits for a sign of life from the engine, 20 s at most. */
  const health = async (exchange: Exchange) => {
    const { faults, pacer } = core;
    if (faults.isOn('engine-still')) await pacer.delay(20_000, exchange.signal);
    exchange.send(faults.isOn('engine-still') || faults.isOn('engine-dead') ? 503 : 200, '', '');
  };
  const flush = (exchange: Exchange) => {
    const text =
      'Cache flushed.\nPlease check backend logs for more details. (When there are running or waiting requests, the operation will not be performed.)\n';
    exchange.send(instance.requests > 0 ? 400 : 200, '', text);
  };
  const models = () => {
    const { model, aliases, ctxTokens } = settings;
    return [model, ...aliases].map(id => ({
      ...{ id, object: 'model', created: nowSeconds(), owned_by: 'sglang', root: id, parent: null },
      max_model_len: ctxTokens,
    }));
  };
  return {
    'GET /health': health,
    'GET /health_generate': health,
    'GET /ready': exchange => exchange.send(200, '', ''),
    'GET /ping': exchange => exchange.send(200, '', ''),
    'GET /v1/models': exchange => exchange.sendJson(200, { object: 'list', data: models() }),
    ...Object.fromEntries(
      [settings.model, ...settings.aliases].map((name, at) => {
        const handler = (exchange: Exchange) => exchange.sendJson(200, models()[at] ?? {});
        return [`GET /v1/models/${encodeURIComponent(name)}`, handler] as const;
      }),
    ),
    'GET /v1/loads': exchange => exchange.sendJson(200, loadsOf(instance, settings)),
    'GET /server_info': exchange => {
      const { model, slots, incremental } = settings;
      exchange.sendJson(200, {
        ...{ model_path: model, served_model_name: model, max_running_requests: slots, version: VERSION },
        incremental_streaming_output: incremental,
        internal_states: [{ last_gen_throughput: 0 }],
      });
    },
    'GET /model_info': exchange => exchange.sendJson(200, { model_path: settings.model, is_generation: true }),
    'GET /metrics': exchange =>
      exchange.send(200, 'text/plain; version=1.0.0; charset=utf-8', metricsOf(instance, settings)),
    'GET /flush_cache': flush,
    'POST /flush_cache': flush,
    'POST /abort_request': exchange => {
      const { rid, abort_all: all } = bodyOf(exchange);
      if (all === true) running.abort('');
      else if (typeof rid === 'string' && rid !== '') running.abort(rid);
      exchange.send(200, '', '');
    },
  };
}

/** For what a `/v1/models/X` gets that is not there. */
export function unknownModel(path: string) {
  const [, name] = /^\/v1\/models\/(.+)$/.exec(path) ?? [];
  return name === undefined ? undefined : sglangErrors.unknownModel(decodeURIComponent(name));
}

function usedTokens({ pool }: ModelInstance): number {
  const held = pool.slots.filter(({ busy }) => busy);
  return held.reduce((all, { decoded, request }) => all + decoded + (request?.promptTokens ?? 0), 0);
}

function loadsOf(instance: ModelInstance, { slots, ctxTokens }: EngineCore['settings']): object {
  const used = usedTokens(instance);
  return {
    timestamp: new Date().toISOString().replace(/\.\d+Z$/, '+00:00'),
    version: VERSION,
    accelerator: 'none',
    num_accelerators: 1,
    loads: [
      {
        timestamp: Date.now() / 1000,
        dp_rank: 0,
        num_running_reqs: instance.pool.active,
        num_waiting_reqs: instance.pool.waiting,
        num_waiting_uncached_tokens: 0,
        num_used_tokens: used,
        num_total_tokens: used,
        num_active_tokens: used,
        num_prealloc_ready_tokens: 0,
        max_total_num_tokens: slots * ctxTokens,
        max_running_requests: slots,
        token_usage: used / (slots * ctxTokens),
        gen_throughput: 0,
        cache_hit_rate: 0,
        utilization: instance.pool.active / slots,
      },
    ],
  };
}

function metricsOf(instance: ModelInstance, { model, slots, ctxTokens }: EngineCore['settings']): string {
  const labels = `{engine_type="unified",model_name="${model}",moe_ep_rank="0",pp_rank="0",tp_rank="0"}`;
  const used = usedTokens(instance);
  const gauges = [
    ['num_running_reqs', 'The number of running requests.', instance.pool.active],
    ['num_used_tokens', 'The number of used tokens.', used],
    ['token_usage', 'The token usage.', used / (slots * ctxTokens)],
    ['gen_throughput', 'The generation throughput (token/s).', 0],
    ['num_queue_reqs', 'The number of requests in the waiting queue.', instance.pool.waiting],
    ['cache_hit_rate', 'The prefix cache hit rate.', 0],
    ['max_total_num_tokens', 'Maximum total number of tokens in the KV cache pool.', slots * ctxTokens],
  ] as const;
  return gauges
    .map(([name, help, value]) => {
      const number = Number.isInteger(value) ? value.toFixed(1) : String(value);
      return `# HELP sglang:${name} ${help}\n# TYPE sglang:${name} gauge\nsglang:${name}${labels} ${number}\n`;
    })
    .join('');
}
