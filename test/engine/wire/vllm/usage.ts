import type { Counts } from '../openai/counts';

export const FINGERPRINT = 'vllm-0.32.0-949e6eef';

/** What of a body concerns the form of a stream. */
export interface StreamOptions {
  readonly includeUsage: boolean;
  /** `continuous_usage_stats`: usage on each chunk. */
  readonly continuous: boolean;
  /** Off: the thought is counted and not shown. */
  readonly includeReasoning: boolean;
}

/** @param details told by a server with a reasoning parser and `--enable-prompt-tokens-details` */
export function plainUsage({ prompt, completion, reasoning }: Counts, details: boolean): object {
  return {
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
    prompt_tokens_details: details ? { cached_tokens: 0, created_cache_tokens: 0, multimodal_tokens: null } : null,
    completion_tokens_details: details ? { reasoning_tokens: reasoning } : null,
  };
}

/** In a stream what is null is left out; the running form says a null all the same. */
export function streamUsage({ prompt, completion, reasoning }: Counts, details: boolean, running: boolean): object {
  return {
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
    ...(details && {
      prompt_tokens_details: { cached_tokens: 0, created_cache_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: reasoning },
    }),
    ...(running && { completion_tokens_details: null }),
  };
}
