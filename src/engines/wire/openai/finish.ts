import type { FinishReason } from '../../engine-adapter.port';

/** What engines call the ends that OpenAI's API has a word for. */
const words: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
};
/** Several choices end for several reasons; the first of these that one of them has is that of all. */
const precedence: readonly FinishReason[] = ['length', 'tool_calls', 'content_filter', 'stop'];

/** An operator, or a time-out of the engine's own, has ended the request: what is there is not all there would be. */
const BROKEN_OFF: ReadonlySet<string> = new Set(['abort', 'error']);

export function isBrokenOff(raw: string): boolean {
  return BROKEN_OFF.has(raw);
}

/** In OpenAI's words; one that nobody knows is an end like any other. */
export function unified(raw: string): FinishReason {
  return words[raw] ?? 'stop';
}

/** How a run ended, of which choices end one by one. */
export class Finish {
  private first: { readonly reason: FinishReason; readonly raw: string } | undefined;

  take(raw: string): void {
    const reason = unified(raw);
    if (!this.first || precedence.indexOf(reason) < precedence.indexOf(this.first.reason)) this.first = { reason, raw };
  }

  /** @param otherwise where no choice said why it ended */
  usage(otherwise: FinishReason): { readonly finishReason: FinishReason; readonly rawFinishReason?: string } {
    const { reason, raw } = this.first ?? { reason: otherwise, raw: otherwise };
    return { finishReason: reason, ...(raw !== reason && { rawFinishReason: raw }) };
  }
}
