import type { TaskUsage } from '../task/task';
import type { EndDraft } from './task-ledger.port';

/**
 * What a task has used: by the engine's count where it gave one; otherwise what was seen, and the time since its attempt began. Without its cost.
 * @param shownTokens that readers may have seen
 * @param elapsedMs since its attempt began; 0 where it had none
 */
export function endedUsage(draft: EndDraft, shownTokens: number, elapsedMs: number): TaskUsage {
  if (draft.state !== 'completed') return { tokensIn: 0, tokensOut: shownTokens, decodeMs: elapsedMs, cost: 0 };
  const { tokensIn = 0, tokensCached, tokensOut, promptMs, decodeMs = elapsedMs } = draft.usage;
  return { tokensIn, tokensCached, tokensOut, promptMs, decodeMs, cost: 0 };
}
