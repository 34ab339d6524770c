import { randomInt } from 'node:crypto';
import { chatPrompt } from '../../chat-prompt';
import type { EngineCore } from '../../engine-core';
import type { GenerationRequest } from '../../generation-request';
import { tokenize } from '../../vocabulary';
import { formed, sayOf, type Form } from '../openai/request';
import { checkChat } from './checks';
import { wireErrors } from './errors';
import { RANDOM_SEED, samplingSettings, type SamplingSettings } from './generation-settings';

type Body = Readonly<Record<string, unknown>>;

/** The body of `/completion`: several texts are as many prompts. Throws the WireError that llama.cpp would answer. */
export function fromNative(core: EngineCore, body: Body): readonly GenerationRequest[] {
  return promptTexts(body.prompt).map(prompt => {
    const asked = request(body, prompt, numberIn(body, ['n_predict', 'max_tokens'], -1));
    return withForm(core, body, asked);
  });
}

/** The body of `/v1/completions`. */
export function fromTextCompletion(core: EngineCore, body: Body): readonly GenerationRequest[] {
  if (body.prompt === undefined) throw wireErrors.invalid("[json.exception.out_of_range.403] key 'prompt' not found");
  const logprobs = typeof body.logprobs === 'number' ? { logprobs: body.logprobs } : {};
  return promptTexts(body.prompt).map(prompt => {
    const asked = request(body, prompt, numberIn(body, ['max_tokens', 'n_predict'], -1));
    return { ...withForm(core, body, asked), ...logprobs };
  });
}

/** The body of `/v1/chat/completions`. A function that `tool_choice` names is taken, and not kept to. */
export function fromChat(core: EngineCore, body: Body): readonly GenerationRequest[] {
  checkChat(body, core.settings);
  const messages = body.messages as readonly unknown[];
  const asked = request(
    body,
    chatPrompt(messages),
    numberIn(body, ['max_completion_tokens', 'max_tokens', 'n_predict'], -1),
  );
  const logprobs = body.logprobs === true ? { logprobs: numberIn(body, ['top_logprobs'], 0) } : {};
  const choice = typeof body.tool_choice === 'string' ? body.tool_choice : 'auto';
  const parallel_tool_calls = body.parallel_tool_calls === true;
  const options = { ownForm, thinks };
  return Array.from({ length: numberIn(body, ['n'], 1) }, (_, index) => {
    const own = { ...asked, ...logprobs, ...(index > 0 && { seed: (asked.seed ?? randomInt(2 ** 32)) + index }) };
    const say = sayOf(core, { ...body, tool_choice: choice, parallel_tool_calls }, messages, own, options);
    return say ? { ...own, say } : own;
  });
}

function withForm(core: EngineCore, body: Body, asked: GenerationRequest): GenerationRequest {
  const say = formed(core, { ...body, response_format: undefined }, asked, { ownForm });
  return say ? { ...asked, say } : asked;
}

/** `json_schema`, and of grammars those whose root is a choice of texts; any other is ignored here. */
function ownForm({ json_schema: schema, grammar }: Body): Form | undefined {
  if (schema !== undefined && schema !== null) return { schema };
  const [, root] = /^\s*root\s*::=\s*(.+)$/m.exec(typeof grammar === 'string' ? grammar : '') ?? [];
  const texts = root?.match(/"(?:[^"\\]|\\.)*"/g)?.map(text => JSON.parse(text) as string);
  return texts ? { texts } : undefined;
}

function thinks({ chat_template_kwargs: given, reasoning_format: format }: Body): boolean {
  const { enable_thinking: enabled } = (given ?? {}) as Body;
  return enabled !== false && format !== 'none';
}

function request(body: Body, prompt: string, maxTokens: number): GenerationRequest {
  const stop = stopWords(body.stop);
  const settings = samplingSettings(body, { stop, max_tokens: maxTokens, n_predict: maxTokens });
  const { include_usage: includeUsage } = (body.stream_options ?? {}) as Body;
  return {
    prompt,
    promptTokens: tokenize(prompt).length,
    seed: seedOf(settings),
    maxTokens,
    ignoreEos: settings.ignore_eos,
    stop,
    stream: settings.stream,
    timingsPerToken: settings.timings_per_token,
    returnProgress: body.return_progress === true,
    returnTokens: body.return_tokens === true,
    includeUsage: includeUsage === true,
    settings,
  };
}

/** Texts alone are prompts of their own; a list that has token ids in it is one. */
function promptTexts(prompt: unknown): readonly string[] {
  const several = Array.isArray(prompt) && prompt.length > 1 && prompt.every(part => typeof part === 'string');
  return several ? prompt : [promptText(prompt)];
}

/** A text, a list of texts and token ids, or an object with `prompt_string`. A token id stands for itself in the text. */
function promptText(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  if (Array.isArray(prompt) && prompt.every(part => typeof part === 'string' || Number.isInteger(part))) {
    return prompt.map(part => (typeof part === 'string' ? part : ` ${String(part)}`)).join('');
  }
  const text = (prompt as { prompt_string?: unknown } | null | undefined)?.prompt_string;
  if (typeof text === 'string') return text;
  throw wireErrors.badPrompt();
}

/** Without temperature the likeliest token is taken, so the seed has no say. */
function seedOf({ seed, temperature }: SamplingSettings): number | undefined {
  if (temperature <= 0) return 0;
  return seed === RANDOM_SEED || seed === -1 ? undefined : seed;
}

function stopWords(stop: unknown): string[] {
  const words: unknown[] = Array.isArray(stop) ? stop : [stop];
  return words.filter((word): word is string => typeof word === 'string' && word !== '');
}

function numberIn(body: Body, names: readonly string[], fallback: number): number {
  for (const name of names) {
    const value = body[name];
    if (typeof value === 'number' && Number.isInteger(value)) return Math.max(-1, value);
  }
  return fallback;
}
