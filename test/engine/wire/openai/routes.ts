import type { EngineCore } from '../../engine-core';
import { serveGeneration } from '../../generation';
import type { ModelInstance } from '../../model-instance';
import type { Routes } from '../../routes/routes';
import { letterId } from '../random-id';
import { chatFormat } from './chat-format';
import { bodyOf, checkBody, modelIn } from './checks';
import { nowSeconds } from './counts';
import { chatSequences, textSequences, type Body } from './request';
import { openaiChatStyle, openaiTextStyle } from './styles';
import { textFormat } from './text-format';

/** `/v1/models`, chat and completions of a plain server of OpenAI's API. */
export function openaiRoutes(core: EngineCore, instance: ModelInstance): Routes {
  const { settings } = core;
  const names = [settings.model, ...settings.aliases];
  const created = nowSeconds();
  const view = (id: string) => ({ id, object: 'model', created, owned_by: 'system' });
  const answerOf = (body: Body, prefix: string) => ({
    id: `${prefix}-${letterId(29)}`,
    created: nowSeconds(),
    model: modelIn(body, settings),
  });
  return {
    'GET /v1/models': exchange => exchange.sendJson(200, { object: 'list', data: names.map(view) }),
    ...Object.fromEntries(
      names.map(
        name => [`GET /v1/models/${encodeURIComponent(name)}`, exchange => exchange.sendJson(200, view(name))] as const,
      ),
    ),
    'POST /v1/chat/completions': exchange => {
      const body = bodyOf(exchange);
      const answer = answerOf(body, 'chatcmpl');
      checkBody(body, 'messages');
      const options = { maxTokens: ['max_completion_tokens', 'max_tokens'], defaultMaxTokens: -1 };
      const sequences = chatSequences(core, body, options);
      const { include_usage: usage, include_obfuscation: hidden } = (body.stream_options ?? {}) as Body;
      const shows = { reasoning: settings.reasoningField, obfuscation: hidden !== false };
      const style = openaiChatStyle(answer, usage === true, shows);
      return serveGeneration(core, instance, exchange, sequences, chatFormat(style, sequences.length, usage === true));
    },
    'POST /v1/completions': exchange => {
      const body = bodyOf(exchange);
      const answer = answerOf(body, 'cmpl');
      checkBody(body, 'prompt');
      const sequences = textSequences(core, body, { maxTokens: ['max_tokens'], defaultMaxTokens: 16 });
      const { include_usage: usage } = (body.stream_options ?? {}) as Body;
      const style = openaiTextStyle(answer, usage === true, body.echo === true);
      return serveGeneration(core, instance, exchange, sequences, textFormat(style, sequences.length, usage === true));
    },
  };
}
