import type { Slot } from '../../slots';
import { briefSettings } from './generation-settings';

/** `GET /slots`. A slot that never ran shows less. */
export function slotsView(slots: readonly Slot[], ctxTokens: number): object[] {
  return slots.map(slot => ({
    id: slot.id,
    n_ctx: ctxTokens,
    speculative: false,
    is_processing: slot.busy,
    ...(slot.request && workView(slot, slot.request.promptTokens)),
  }));
}

function workView(slot: Slot, promptTokens: number): object {
  const { busy, decoded, request } = slot;
  const maxTokens = request?.maxTokens ?? -1;
  return {
    id_task: slot.taskId,
    n_prompt_tokens: busy ? promptTokens + decoded : slot.cachedTokens,
    n_prompt_tokens_processed: busy ? promptTokens : 0,
    n_prompt_tokens_cache: 0,
    params: request?.settings ? briefSettings(request.settings) : {},
    next_token: [
      {
        has_next_token: busy,
        has_new_line: slot.hasNewLine,
        n_remain: busy && maxTokens >= 0 ? maxTokens - decoded : -1,
        n_decoded: busy ? decoded : 0,
      },
    ],
  };
}
