import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { serveGeneration } from '../../generation';
import type { GenerationRequest } from '../../generation-request';
import type { OutputFormat } from '../../output-format';
import type { Handler, Routes } from '../../routes/routes';
import type { Body } from '../openai/request';
import { nativeErrors, openaiErrors } from './errors';
import { bodyOf } from './http';
import type { OllamaModels } from './models';
import { createdAt, nativeFormat } from './native-format';
import { openaiChatFormat, openaiTextFormat, type OpenaiForm } from './openai-format';
import { fromNative, fromOpenai, fromText, keepAliveIn } from './requests';

/** The routes that generate, in Ollama's form and in OpenAI's. */
export function generateRoutes(core: EngineCore, models: OllamaModels): Routes {
  const native =
    (kind: 'generate' | 'chat'): Handler =>
    exchange => {
      const body = bodyOf(exchange, nativeErrors);
      const model = typeof body.model === 'string' ? body.model : '';
      if (kind === 'chat' && model === '') throw nativeErrors.bad('model is required');
      if (!models.has(model)) throw nativeErrors.notFound(`model '${model}' not found`);
      const keepAliveMs = keepAliveIn(body);
      if (isEmpty(body, kind)) return loadOrUnload(exchange, models, model, kind, keepAliveMs);
      const request = fromNative(core, body, kind);
      const { num_ctx: ctx } = (body.options ?? {}) as Body;
      const wanted = { keepAliveMs, ctx: typeof ctx === 'number' ? ctx : undefined };
      return models.during(exchange, model, wanted, nativeErrors, instance =>
        serveGeneration(core, instance, exchange, [request], nativeFormat(kind, model)),
      );
    };

  const openai =
    (read: (core: EngineCore, body: Body) => GenerationRequest, format: (form: OpenaiForm) => OutputFormat): Handler =>
    exchange => {
      exchange.types.json = 'application/json';
      exchange.types.stream = 'text/event-stream';
      const body = bodyOf(exchange, openaiErrors);
      const request = read(core, body);
      const model = typeof body.model === 'string' ? body.model : '';
      const form = { model, includeUsage: request.includeUsage === true, old: core.settings.old };
      const wanted = { keepAliveMs: undefined, ctx: undefined };
      return models.during(exchange, model, wanted, openaiErrors, instance =>
        serveGeneration(core, instance, exchange, [request], format(form)),
      );
    };

  return {
    'POST /api/generate': native('generate'),
    'POST /api/chat': native('chat'),
    'POST /v1/chat/completions': openai(fromOpenai, openaiChatFormat),
    'POST /v1/completions': openai(fromText, openaiTextFormat),
  };
}

function isEmpty(body: Body, kind: 'generate' | 'chat'): boolean {
  if (kind === 'generate') return body.prompt === undefined || body.prompt === '';
  return !Array.isArray(body.messages) || body.messages.length === 0;
}

/** Nothing to say: the model is loaded, or, with a `keep_alive` of 0, unloaded. */
async function loadOrUnload(
  exchange: Exchange,
  models: OllamaModels,
  model: string,
  kind: 'generate' | 'chat',
  keepAliveMs: number | undefined,
): Promise<void> {
  const nothing = kind === 'chat' ? { message: { role: 'assistant', content: '' } } : { response: '' };
  const answer = (reason: string) =>
    exchange.sendJson(200, { model, created_at: createdAt(), ...nothing, done: true, done_reason: reason });
  if (keepAliveMs === 0) {
    models.unload(model);
    return answer('unload');
  }
  await models.during(exchange, model, { keepAliveMs, ctx: undefined }, nativeErrors, () => answer('load'));
}
