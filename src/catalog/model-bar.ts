import type { ModelEntry } from './model-catalog.port';

/** Why no new task may have a model. */
export type ModelBar = 'MODEL_RETIRED' | 'MODEL_UNVERIFIED';

export function barredBy(
  { state, retireDeadlineAtMs = 0, verification }: ModelEntry,
  wallMs: number,
): ModelBar | undefined {
  if (state === 'Retired' && retireDeadlineAtMs <= wallMs) return 'MODEL_RETIRED';
  return verification?.result === 'failed' ? 'MODEL_UNVERIFIED' : undefined;
}
