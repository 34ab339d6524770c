import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { serveGeneration } from '../../generation';
import type { ModelInstance } from '../../model-instance';
import type { Routes } from '../../routes/routes';
import { chatFormat } from '../openai/chat-format';
import { nowSeconds } from '../openai/counts';
import { chatSequences, promptsIn, textSequences, type Body, type Form, type ReadingOptions } from '../openai/request';
import { textFormat } from '../openai/text-format';
import { hexId } from '../random-id';
import { bodyOf, servedModel } from './bodies';
import { vllmChatStyle } from './chat-style';
import { checkChat, checkSampling } from './checks';
import { vllmErrors } from './errors';
import { vllmTextStyle } from './text-style';
import type { StreamOptions } from './usage';

/** The routes of a server with a model that generates. */
export function generateRoutes(core: EngineCore, instance: ModelInstance): Routes {
  const { settings } = core;
  const chatOptions: ReadingOptions = {
    maxTokens: ['max_completion_tokens', 'max_tokens'],
    defaultMaxTokens: -1,
    ownForm: structuredOutput,
    thinks,
  };
  const textOptions: ReadingOptions = { maxTokens: ['max_tokens'], defaultMaxTokens: 16, ownForm: structuredOutput };

  const answerOf = (exchange: Exchange, body: Body, prefix: string) => {
    const told = [body.request_id, exchange.request.headers['x-request-id']];
    const id = told.find(each => typeof each === 'string') ?? hexId(16);
    return { id: `${prefix}-${id}`, created: nowSeconds(), model: servedModel(body, settings) };
  };

  return {
    'POST /v1/chat/completions': exchange => {
      const body = bodyOf(exchange);
      checkChat(body, settings);
      checkSampling(body, settings.ctxTokens);
      const answer = answerOf(exchange, body, 'chatcmpl');
      const sequences = chatSequences(core, body, chatOptions);
      const options = streamOptions(body);
      const style = vllmChatStyle(answer, options, body.tool_choice, settings.reasoningTokens > 0);
      return serveGeneration(
        core,
        instance,
        exchange,
        sequences,
        chatFormat(style, sequences.length, options.includeUsage),
      );
    },
    'POST /v1/completions': exchange => {
      const body = bodyOf(exchange);
      checkPrompts(body);
      checkSampling({ ...body, max_completion_tokens: undefined }, settings.ctxTokens);
      const answer = answerOf(exchange, body, 'cmpl');
      const sequences = textSequences(core, body, textOptions);
      const options = streamOptions(body);
      const style = vllmTextStyle(answer, options, body.echo === true);
      return serveGeneration(
        core,
        instance,
        exchange,
        sequences,
        textFormat(style, sequences.length, options.includeUsage),
      );
    },
  };
}

function checkPrompts(body: Body): void {
  const prompts = promptsIn(body.prompt);
  if (body.prompt === undefined || prompts.length === 0 || prompts.includes('')) {
    throw vllmErrors.badValue('prompt', 'Either prompt or prompt_embeds must be provided and non-empty.');
  }
  if (body.suffix !== undefined && body.suffix !== null) {
    throw vllmErrors.bad('suffix is only supported for models with FIM completion rendering', 'suffix');
  }
}

function streamOptions(body: Body): StreamOptions {
  const { include_usage: usage, continuous_usage_stats: continuous } = (body.stream_options ?? {}) as Body;
  return {
    includeUsage: usage === true,
    continuous: usage === true && continuous === true,
    includeReasoning: body.include_reasoning !== false,
  };
}

/** `guided_json` and its like are no longer known: they are ignored without a word. */
function structuredOutput(body: Body): Form | undefined {
  const { json, choice, json_object: anyJson } = (body.structured_outputs ?? {}) as Body;
  if (json !== undefined && json !== null) return { schema: typeof json === 'string' ? JSON.parse(json) : json };
  if (Array.isArray(choice)) return { texts: choice.map(String) };
  return anyJson === true ? { schema: { type: 'object', properties: { answer: { type: 'string' } } } } : undefined;
}

function thinks(body: Body): boolean {
  const { enable_thinking: enabled } = (body.chat_template_kwargs ?? {}) as Body;
  return enabled !== false && body.reasoning_effort !== 'none';
}
