import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { serveGeneration } from '../../generation';
import type { GenerationRequest } from '../../generation-request';
import type { ModelInstance } from '../../model-instance';
import type { OutputFormat } from '../../output-format';
import type { Handler, Routes } from '../../routes/routes';
import { chatFormat } from '../openai/chat-format';
import { nowSeconds } from '../openai/counts';
import { chatSequences, textSequences, type Body, type Form, type ReadingOptions } from '../openai/request';
import { textFormat } from '../openai/text-format';
import { hexId } from '../random-id';
import { sglangErrors } from './errors';
import { nativeFormat } from './native-format';
import type { RunningRequests } from './running';
import { sglangChatStyle, sglangTextStyle } from './styles';

/** `/generate` and OpenAI's routes. The model's name is echoed, not checked. */
export function generateRoutes(core: EngineCore, instance: ModelInstance, running: RunningRequests): Routes {
  const { settings } = core;
  const serve = (exchange: Exchange, rid: string, requests: readonly GenerationRequest[], format: OutputFormat) => {
    if (running.has(rid)) throw sglangErrors.bad(`Duplicate request ID detected: ${rid}`);
    return running.during(rid, signal => serveGeneration(core, instance, exchange, requests, format, signal));
  };
  const ridIn = ({ rid }: Body) => (typeof rid === 'string' ? rid : hexId(32));
  const answerOf = (body: Body) => ({
    id: ridIn(body),
    created: nowSeconds(),
    model: typeof body.model === 'string' ? body.model : settings.model,
  });

  const generate: Handler = exchange => {
    const body = bodyOf(exchange);
    const prompts = body.text ?? body.input_ids;
    if (prompts === undefined)
      throw sglangErrors.nativeBad('Either text, input_ids or input_embeds should be provided.');
    const parameters = (body.sampling_params ?? {}) as Body;
    const several = Array.isArray(body.text) || (Array.isArray(body.input_ids) && Array.isArray(body.input_ids[0]));
    const asked = { ...parameters, prompt: prompts, max_tokens: parameters.max_new_tokens, stream: body.stream };
    const sequences = textSequences(core, asked, { maxTokens: ['max_tokens'], defaultMaxTokens: 128, ownForm });
    const requests = sequences.map(sequence => ({ ...sequence, returnTokens: true }));
    const id = ridIn(body);
    return serve(exchange, id, requests, nativeFormat({ id, incremental: settings.incremental, several }));
  };

  return {
    'POST /generate': generate,
    'PUT /generate': generate,
    'POST /v1/chat/completions': exchange => {
      const body = bodyOf(exchange);
      if (!Array.isArray(body.messages)) throw sglangErrors.invalid('messages: Field required', 'messages');
      if (body.messages.length === 0) throw sglangErrors.bad('Messages cannot be empty.');
      const sequences = chatSequences(core, body, chatOptions);
      const { include_usage: usage } = (body.stream_options ?? {}) as Body;
      const answer = answerOf(body);
      const style = sglangChatStyle(answer, usage === true);
      return serve(exchange, answer.id, sequences, {
        ...chatFormat(style, sequences.length, usage === true),
        ...(style.aborted && { aborted: style.aborted }),
      });
    },
    'POST /v1/completions': exchange => {
      const body = bodyOf(exchange);
      if (body.prompt === undefined) throw sglangErrors.invalid('prompt: Field required', 'prompt');
      const sequences = textSequences(core, body, { maxTokens: ['max_tokens'], defaultMaxTokens: 16, ownForm });
      const { include_usage: usage } = (body.stream_options ?? {}) as Body;
      const answer = answerOf(body);
      const style = sglangTextStyle(answer, usage === true, body.echo === true);
      return serve(exchange, answer.id, sequences, textFormat(style, sequences.length, usage === true));
    },
  };
}

const chatOptions: ReadingOptions = {
  maxTokens: ['max_completion_tokens', 'max_tokens'],
  defaultMaxTokens: -1,
  ownForm,
  thinks: ({ separate_reasoning: separate, chat_template_kwargs: given }) => {
    const { enable_thinking: enabled } = (given ?? {}) as Body;
    return separate !== false && enabled !== false;
  },
};

function ownForm({ json_schema: schema }: Body): Form | undefined {
  if (schema === undefined || schema === null) return undefined;
  return { schema: typeof schema === 'string' ? JSON.parse(schema) : schema };
}

/** The body as an object. Throws the answer to one that is none, or of which it is not said that it is JSON. */
export function bodyOf(exchange: Exchange): Body {
  const type = exchange.request.headers['content-type'] ?? '';
  if (!/^application\/(?:.+\+)?json\b/i.test(type)) {
    throw sglangErrors.invalid("Unsupported Media Type: Only 'application/json' is allowed", null);
  }
  const value = exchange.json();
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body;
  throw sglangErrors.invalid(`1 validation error: json_invalid at ${exchange.body.length}`, null);
}
