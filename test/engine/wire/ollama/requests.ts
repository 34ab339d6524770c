import type { EngineCore } from '../../engine-core';
import type { GenerationRequest } from '../../generation-request';
import { chatSequences, type Body, type Form, type ReadingOptions } from '../openai/request';
import { nativeErrors, openaiErrors } from './errors';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** How long a model stays after the request; seconds, or text such as `5m`; negative: for ever. Undefined: it is not said. */
export function keepAliveIn({ keep_alive: keep }: Body): number | undefined {
  if (keep === undefined || keep === null) return undefined;
  if (typeof keep === 'number') return keep < 0 ? Infinity : keep * 1000;
  const [, sign, amount, unit = ''] =
    /^(-?)(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(typeof keep === 'string' ? keep : '') ?? [];
  if (amount === undefined) throw nativeErrors.bad(`time: invalid duration ${JSON.stringify(keep)}`);
  return sign ? Infinity : Number(amount) * (units[unit] ?? 0);
}

/** The body of `/api/chat`, or of `/api/generate`, whose prompt becomes the user's turn of a chat. */
export function fromNative(core: EngineCore, body: Body, kind: 'generate' | 'chat'): GenerationRequest {
  const options = (body.options ?? {}) as Body;
  checkOptions(options);
  checkThink(core, body);
  const messages = kind === 'chat' ? body.messages : turnsOf(body);
  // Bounds of 0 and below are none.
  const predict = typeof options.num_predict === 'number' && options.num_predict > 0 ? options.num_predict : -1;
  const asked = {
    ...{ messages, tools: body.tools, logprobs: body.logprobs, top_logprobs: body.top_logprobs },
    ...{ seed: options.seed, temperature: options.temperature, stop: options.stop, max_tokens: predict },
    stream: body.stream !== false,
  };
  const reading: ReadingOptions = {
    maxTokens: ['max_tokens'],
    defaultMaxTokens: -1,
    ownForm: () => formOf(body.format),
    thinks: () => body.think !== false,
  };
  return cut(core, chatSequences(core, asked, reading)[0], body.truncate === false);
}

/** The body of `/v1/chat/completions`: only `max_tokens` counts, `n` and `tool_choice` do not. */
export function fromOpenai(core: EngineCore, body: Body): GenerationRequest {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0) throw openaiErrors.bad("[] is too short - 'messages'");
  const maxTokens = typeof body.max_tokens === 'number' && body.max_tokens > 0 ? body.max_tokens : -1;
  const asked = { ...body, n: 1, tool_choice: undefined, parallel_tool_calls: undefined, max_tokens: maxTokens };
  const reading = { maxTokens: ['max_tokens'], defaultMaxTokens: -1, thinks: () => body.reasoning_effort !== 'none' };
  return cut(core, chatSequences(core, asked, reading)[0], false);
}

/** The body of `/v1/completions`: the chat's template is put round the prompt. */
export function fromText(core: EngineCore, body: Body): GenerationRequest {
  if (typeof body.prompt !== 'string')
    throw openaiErrors.bad('json: cannot unmarshal array into Go struct field .prompt of type string');
  return fromOpenai(core, {
    ...body,
    messages: [{ role: 'user', content: body.prompt }],
    tools: undefined,
    logprobs: undefined,
  });
}

/** A prompt that is too long is cut without a word, unless that was forbidden. */
function cut(core: EngineCore, request: GenerationRequest | undefined, whole: boolean): GenerationRequest {
  if (!request) throw nativeErrors.failed('no sequence');
  const { ctxTokens } = core.settings;
  if (whole || request.promptTokens < ctxTokens) return request;
  return { ...request, promptTokens: Math.ceil(ctxTokens / 2) };
}

function turnsOf({ system, prompt }: Body): readonly object[] {
  const user = { role: 'user', content: prompt };
  return typeof system === 'string' ? [{ role: 'system', content: system }, user] : [user];
}

function formOf(format: unknown): Form | undefined {
  if (format === undefined || format === null || format === '') return undefined;
  if (typeof format === 'object') return { schema: format };
  if (format === 'json') return { schema: { type: 'object', properties: { answer: { type: 'string' } } } };
  const quoted = JSON.stringify(JSON.stringify(format));
  throw nativeErrors.failed(`invalid format: ${quoted}; expected "json" or a valid JSON Schema object`);
}

function checkOptions(options: Body): void {
  for (const [name, type] of [
    ['temperature', 'float32'],
    ['top_p', 'float32'],
    ['num_predict', 'integer'],
    ['seed', 'integer'],
    ['num_ctx', 'integer'],
  ] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'number') {
      throw nativeErrors.failed(`option "${name}" must be of type ${type}`);
    }
  }
}

function checkThink({ settings }: EngineCore, { think, model }: Body): void {
  if (think === undefined || think === false || settings.reasoningTokens > 0) return;
  throw nativeErrors.bad(`${JSON.stringify(model)} does not support thinking`);
}
