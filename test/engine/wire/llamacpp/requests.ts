import { chatPrompt } from '../../chat-prompt';
import type { GenerationRequest } from '../../generation-request';
import { tokenize } from '../../vocabulary';
import { wireErrors } from './errors';
import { RANDOM_SEED, samplingSettings, type SamplingSettings } from './generation-settings';

type Body = Readonly<Record<string, unknown>>;

/** The body of `/completion`. Throws the WireError that llama.cpp would answer. */
export function fromNative(body: Body): GenerationRequest {
  return request(body, promptText(body.prompt), numberIn(body, ['n_predict', 'max_tokens'], -1));
}

/** The body of `/v1/completions`. */
export function fromTextCompletion(body: Body): GenerationRequest {
  return request(body, promptText(body.prompt), numberIn(body, ['max_tokens', 'n_predict'], -1));
}

/** The body of `/v1/chat/completions`. */
export function fromChat(body: Body): GenerationRequest {
  if (!Array.isArray(body.messages)) throw wireErrors.invalid("Expected 'messages' to be an array");
  return request(
    body,
    chatPrompt(body.messages),
    numberIn(body, ['max_completion_tokens', 'max_tokens', 'n_predict'], -1),
  );
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
