import type { Say } from './say';

/** One sequence that is to be generated, from whichever API it was asked. */
export interface GenerationRequest {
  readonly prompt: string;
  readonly promptTokens: number;
  /** It is not the first of several answers to one prompt. */
  readonly sharesPrompt?: boolean;
  /** Equal seeds and prompts give equal tokens. Undefined: a new random one. */
  readonly seed: number | undefined;
  /** -1: until the text ends by itself. */
  readonly maxTokens: number;
  readonly ignoreEos: boolean;
  readonly stop: readonly string[];
  readonly stream: boolean;
  /** What is said instead of a row of words, or before it. */
  readonly say?: Say;
  /** So many likeliest tokens are told beside each one; undefined: nothing is told about them. */
  readonly logprobs?: number;
  readonly timingsPerToken?: boolean;
  readonly returnProgress?: boolean;
  readonly returnTokens?: boolean;
  readonly includeUsage?: boolean;
  /** As llama.cpp states them in its answers. */
  readonly settings?: Readonly<Record<string, unknown>>;
}
