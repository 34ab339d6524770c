import { chatPrompt } from '../../chat-prompt';
import type { EngineCore } from '../../engine-core';
import type { GenerationRequest } from '../../generation-request';
import { jsonSample } from '../../json-sample';
import type { Say } from '../../say';
import { toolCalls } from '../../tool-calls';
import { randomSeries, tokenize } from '../../vocabulary';

export type Body = Readonly<Record<string, unknown>>;

/** What the readers of OpenAI's bodies do differently from engine to engine. */
export interface ReadingOptions {
  /** Names of the bound of the answer, the strongest first. */
  readonly maxTokens: readonly string[];
  /** The bound where none is told; -1: none. */
  readonly defaultMaxTokens: number;
  /** What has to be said in a given form, as far as the engine's own fields tell. */
  readonly ownForm?: (body: Body) => Form | undefined;
  /** Whether the model thinks before this answer. */
  readonly thinks?: (body: Body) => boolean;
}

/** JSON of a schema, or one of the texts. */
export type Form = { readonly schema: unknown } | { readonly texts: readonly string[] };

/** The sequences that a body of `/v1/chat/completions` asks for: `n` of them. */
export function chatSequences(core: EngineCore, body: Body, options: ReadingOptions): readonly GenerationRequest[] {
  const messages = Array.isArray(body.messages) ? body.messages : [];
  const prompt = chatPrompt(messages);
  const logprobs = body.logprobs === true ? numberOf(body.top_logprobs, 0) : undefined;
  return sequences(body, prompt, options, logprobs, request => sayOf(core, body, messages, request, options));
}

/** The same of `/v1/completions`: `n` for each of the prompts. */
export function textSequences(core: EngineCore, body: Body, options: ReadingOptions): readonly GenerationRequest[] {
  const logprobs = typeof body.logprobs === 'number' ? body.logprobs : undefined;
  const say = (request: GenerationRequest) => formed(core, body, request, options);
  return promptsIn(body.prompt).flatMap(prompt => sequences(body, prompt, options, logprobs, say));
}

/** A text, a list of them, token ids, or a list of lists of those. A token id stands for itself in the text. */
export function promptsIn(prompt: unknown): readonly string[] {
  const text = (ids: readonly unknown[]) => ids.map(id => ` ${String(id)}`).join('');
  if (!Array.isArray(prompt)) return [typeof prompt === 'string' ? prompt : JSON.stringify(prompt ?? '')];
  if (prompt.length > 0 && prompt.every(part => Number.isInteger(part))) return [text(prompt)];
  return prompt.map(part => (Array.isArray(part) ? text(part) : String(part)));
}

function sequences(
  body: Body,
  prompt: string,
  { maxTokens: names, defaultMaxTokens }: ReadingOptions,
  logprobs: number | undefined,
  sayOf: (request: GenerationRequest) => Say | undefined,
): readonly GenerationRequest[] {
  const bound = names.map(name => body[name]).find(value => typeof value === 'number');
  const seed = body.temperature === 0 ? 0 : typeof body.seed === 'number' ? body.seed : undefined;
  const { include_usage: includeUsage } = (body.stream_options ?? {}) as Body;
  const stop: unknown[] = Array.isArray(body.stop) ? body.stop : [body.stop];
  return Array.from({ length: numberOf(body.n, 1) }, (_, index) => {
    const request: GenerationRequest = {
      prompt,
      promptTokens: tokenize(prompt).length,
      seed: seed === undefined ? undefined : seed + index,
      maxTokens: numberOf(bound, defaultMaxTokens),
      ignoreEos: body.ignore_eos === true,
      stop: stop.filter((word): word is string => typeof word === 'string' && word !== ''),
      stream: body.stream === true,
      includeUsage: includeUsage === true,
      ...(index > 0 && { sharesPrompt: true }),
      ...(logprobs !== undefined && { logprobs }),
    };
    const say = sayOf(request);
    return say ? { ...request, say } : request;
  });
}

/** What is said to a chat instead of words, or before them; undefined: words alone. */
export function sayOf(
  core: EngineCore,
  body: Body,
  messages: readonly unknown[],
  request: GenerationRequest,
  options: Pick<ReadingOptions, 'ownForm' | 'thinks'>,
): Say | undefined {
  const { vocabulary, reasoningTokens } = core.settings;
  const parallel = body.parallel_tool_calls !== false;
  const offer = { tools: body.tools, choice: body.tool_choice ?? undefined, parallel, messages };
  const calls = toolCalls(offer, randomOf(request), vocabulary);
  const thinks = reasoningTokens > 0 && (options.thinks?.(body) ?? true);
  const thought = thinks ? { reasoningTokens } : undefined;
  if (calls.length > 0) return { ...thought, calls };
  const form = formed(core, body, request, options);
  return thought || form ? { ...thought, ...form } : undefined;
}

/** What is said where a form is asked for. */
export function formed(
  core: EngineCore,
  body: Body,
  request: GenerationRequest,
  options: Pick<ReadingOptions, 'ownForm'>,
): Say | undefined {
  const form = options.ownForm?.(body) ?? responseFormat(body.response_format);
  if (!form) return undefined;
  const random = randomOf(request);
  if ('texts' in form) return { text: form.texts[Math.floor(random() * form.texts.length)] ?? '' };
  return { text: JSON.stringify(jsonSample(form.schema, random, core.settings.vocabulary)) };
}

/** `json_object`, and `json_schema` as OpenAI nests it or with the schema beside the type. */
function responseFormat(format: unknown): Form | undefined {
  const { type, json_schema: nested, schema } = (format ?? {}) as Body;
  const { schema: inner } = (nested ?? {}) as Body;
  if (type === 'json_schema') return { schema: inner ?? schema };
  return type === 'json_object' ? { schema: schema ?? { properties: { answer: { type: 'string' } } } } : undefined;
}

function randomOf({ seed, prompt }: GenerationRequest): () => number {
  return randomSeries(`${seed ?? Math.random()}\n${prompt}`);
}

function numberOf(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}
