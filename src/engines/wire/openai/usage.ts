import type { EngineUsage } from '../../engine-adapter.port';
import { integerOf, membersOf } from '../engine-json';

/** Engines count in 32 bits. One figure past that would spoil a sum for good. */
const MAX_COUNT = 2 ** 31 - 1;

export type TokenCounts = Partial<Pick<EngineUsage, 'tokensIn' | 'tokensCached' | 'tokensOut' | 'tokensReasoning'>>;

/** The `usage` of OpenAI's API, as far as an engine gives it: what is not there, or cannot be, is left out. */
export function tokenCountsOf(usage: unknown): TokenCounts {
  const { prompt_tokens, completion_tokens, prompt_tokens_details, completion_tokens_details, reasoning_tokens } =
    membersOf(usage);
  const tokensIn = tokenCount(prompt_tokens);
  const tokensOut = tokenCount(completion_tokens);
  const tokensCached = tokenCount(membersOf(prompt_tokens_details)['cached_tokens']);
  const tokensReasoning = tokenCount(membersOf(completion_tokens_details)['reasoning_tokens'] ?? reasoning_tokens);
  return {
    ...(tokensIn !== undefined && { tokensIn }),
    ...(tokensOut !== undefined && { tokensOut }),
    ...(tokensCached !== undefined && { tokensCached }),
    ...(tokensReasoning !== undefined && { tokensReasoning }),
  };
}

export function tokenCount(value: unknown): number | undefined {
  const count = integerOf(value);
  return count !== undefined && count <= MAX_COUNT ? count : undefined;
}
