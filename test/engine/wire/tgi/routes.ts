import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { serveGeneration } from '../../generation';
import type { GenerationRequest } from '../../generation-request';
import type { ModelInstance } from '../../model-instance';
import type { OutputFormat } from '../../output-format';
import type { Routes } from '../../routes/routes';
import { chatSequences, textSequences, type Body } from '../openai/request';
import { nativeRefusal, openaiRefusal, tgiErrors } from './errors';
import { bodyOf } from './http';
import { metricsText } from './metrics-text';
import { nativeFormat } from './native-format';
import { chatFormat, textFormat } from './openai-format';
import { fromNative } from './requests';

/** What a router of Text Generation Inference answers. */
export function tgiRoutes(core: EngineCore, instance: ModelInstance): Routes {
  const { settings } = core;
  const serve = (exchange: Exchange, requests: readonly GenerationRequest[], format: OutputFormat) => {
    if (requests[0]?.stream) {
      const characters = String(requests[0].prompt.length);
      exchange.more = [
        ['x-compute-type', 'gpu+optimized'],
        ['x-compute-characters', characters],
      ];
    }
    return serveGeneration(core, instance, exchange, requests, format);
  };

  const native = (exchange: Exchange, kind: 'plain' | 'stream' | 'root') => {
    const body = bodyOf(exchange, 'inputs');
    const stream = kind === 'stream' || (kind === 'root' && body.stream === true);
    const request = fromNative(core, body, stream, error => nativeRefusal(error, stream));
    const parameters = (body.parameters ?? {}) as Body;
    const form = {
      details: parameters.details === true,
      topTokens: typeof parameters.top_n_tokens === 'number' ? parameters.top_n_tokens : 0,
      asList: kind === 'root',
      fullText: parameters.return_full_text === true,
    };
    return serve(exchange, [request], nativeFormat(form));
  };

  const health = (exchange: Exchange) => {
    if (core.faults.isOn('engine-dead')) throw tgiErrors.unhealthy();
    exchange.send(200, '', '');
  };
  return {
    'POST /generate': exchange => native(exchange, 'plain'),
    'POST /generate_stream': exchange => native(exchange, 'stream'),
    'POST /': exchange => native(exchange, 'root'),
    'POST /v1/chat/completions': exchange => {
      const body = bodyOf(exchange, 'messages');
      checkOpenai(body);
      const reading = { maxTokens: ['max_completion_tokens', 'max_tokens'], defaultMaxTokens: -1, thinks: () => false };
      // One answer, one call.
      const sequences = chatSequences(core, { ...body, n: 1, parallel_tool_calls: false }, reading);
      const { include_usage: usage } = (body.stream_options ?? {}) as Body;
      return serve(exchange, sequences, chatFormat(modelIn(body, settings.model), usage === true));
    },
    'POST /v1/completions': exchange => {
      const body = bodyOf(exchange, 'prompt');
      checkOpenai(body);
      const sequences = textSequences(core, { ...body, n: 1 }, { maxTokens: ['max_tokens'], defaultMaxTokens: -1 });
      return serve(exchange, sequences, textFormat(modelIn(body, settings.model)));
    },
    'GET /health': health,
    'GET /ping': health,
    'GET /': health,
    'GET /info': exchange => exchange.sendJson(200, infoOf(core)),
    'GET /v1/models': exchange => {
      const { model } = settings;
      exchange.sendJson(200, { object: 'list', data: [{ id: model, object: 'model', created: 0, owned_by: model }] });
    },
    'GET /metrics': exchange => exchange.send(200, 'text/plain', metricsText(instance, settings)),
  };
}

/** The name is not checked; `tgi` and none stand for the model that is there. */
function modelIn({ model }: Body, own: string): string {
  return typeof model === 'string' && model !== 'tgi' ? model : own;
}

function checkOpenai(body: Body): void {
  const { top_p: topP, stream } = body;
  if (typeof topP === 'number' && !(topP > 0 && topP < 1)) {
    throw openaiRefusal(tgiErrors.validation('`top_p` must be > 0.0 and < 1.0'), stream === true);
  }
}

function infoOf({ settings: { model, ctxTokens, maxRequests } }: EngineCore): object {
  return {
    model_id: model,
    model_sha: 'e985a63cdc139290c5f700ff1929f0b5942cced2',
    model_pipeline_tag: 'text-generation',
    max_concurrent_requests: maxRequests > 0 ? maxRequests : 128,
    max_best_of: 2,
    max_stop_sequences: 4,
    max_input_tokens: ctxTokens - 1,
    max_total_tokens: ctxTokens,
    validation_workers: 2,
    max_client_batch_size: 4,
    router: 'text-generation-router',
    version: '3.3.6-dev0',
    sha: null,
    docker_label: null,
  };
}
