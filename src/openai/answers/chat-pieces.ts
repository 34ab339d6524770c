import type { Fragment } from '../../tasks/events/fragment';

/** What one choice of a chat says next, for APIs that tell it in another form than OpenAI's chunks. */
export type ChatPiece =
  | { readonly kind: 'text' | 'thought' | 'refusal'; readonly text: string; readonly logprobs?: readonly unknown[] }
  /** A call begins. */
  | { readonly kind: 'call'; readonly call: number; readonly id: string; readonly name: string }
  /** Of the call with this number; they join to JSON. */
  | { readonly kind: 'arguments'; readonly call: number; readonly text: string }
  /** It was this stop string that ended it, as far as the engine tells. */
  | { readonly kind: 'stop string'; readonly text: string };

interface CallDelta {
  readonly index?: number;
  readonly id?: unknown;
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown };
}

/** Reads the fragments of an only choice. */
export class ChatPieces {
  private readonly begun = new Set<number>();

  get callsTools(): boolean {
    return this.begun.size > 0;
  }

  *of(fragments: readonly Fragment[]): Generator<ChatPiece> {
    for (const { index, delta = {}, logprobs, stop_reason: stopString } of fragments) {
      if (index !== 0) continue;
      const { reasoning_content: thought, content, refusal, tool_calls: calls } = delta;
      if (isText(thought)) yield { kind: 'thought', text: thought };
      if (isText(content)) yield { kind: 'text', text: content, ...logprobsOf(logprobs) };
      if (isText(refusal)) yield { kind: 'refusal', text: refusal };
      if (Array.isArray(calls)) for (const call of calls as readonly CallDelta[]) yield* this.call(call);
      if (isText(stopString)) yield { kind: 'stop string', text: stopString };
    }
  }

  private *call({ index: call = 0, id, function: { name, arguments: text } = {} }: CallDelta): Generator<ChatPiece> {
    if (!this.begun.has(call)) {
      this.begun.add(call);
      yield { kind: 'call', call, id: isText(id) ? id : `call_${call}`, name: isText(name) ? name : '' };
    }
    if (isText(text)) yield { kind: 'arguments', call, text };
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function logprobsOf(logprobs: unknown): { readonly logprobs?: readonly unknown[] } {
  const { content } = (logprobs ?? {}) as { readonly content?: unknown };
  return Array.isArray(content) ? { logprobs: content as readonly unknown[] } : {};
}
