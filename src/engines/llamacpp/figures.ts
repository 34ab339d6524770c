import type { EngineEvent, EngineUsage } from '../engine-adapter.port';
import { durationMsOf, membersOf } from '../wire/engine-json';
import { tokenCount } from '../wire/openai/usage';

/** No task may last longer than a year. One figure past that would spoil a sum for good. */
const MAX_DURATION_MS = 365 * 86_400_000;

/** What `timings` tells of a run beyond its tokens. */
export function timesOf(timings: unknown): Pick<EngineUsage, 'promptMs' | 'decodeMs' | 'tokensCached'> {
  const { cache_n: cached, prompt_ms: prompt, predicted_ms: predicted } = membersOf(timings);
  const [tokensCached, promptMs, decodeMs] = [tokenCount(cached), durationMs(prompt), durationMs(predicted)];
  return {
    ...(tokensCached !== undefined && { tokensCached }),
    ...(promptMs !== undefined && { promptMs }),
    ...(decodeMs !== undefined && { decodeMs }),
  };
}

export function progressOf(value: unknown): EngineEvent[] {
  const { processed, total } = membersOf(value);
  const [processedTokens, totalTokens] = [tokenCount(processed), tokenCount(total)];
  return processedTokens === undefined || totalTokens === undefined
    ? []
    : [{ kind: 'progress', processedTokens, totalTokens }];
}

function durationMs(value: unknown): number | undefined {
  const ms = durationMsOf(value);
  return ms !== undefined && ms <= MAX_DURATION_MS ? ms : undefined;
}
