import { parseHttpMessage } from '../support/http-message';
import type { EngineEvent, EngineUsage } from '../../src/engines/engine-adapter.port';

/** What a client has of one choice when a stream is over. */
export interface Choice {
  text: string;
  reasoning: string;
  calls: { id: string; name: string; arguments: string }[];
  logprobs: number;
  finish: string | null;
}

interface Fragment {
  readonly index?: number;
  readonly text?: string | null;
  readonly delta?: {
    readonly content?: string | null;
    readonly reasoning?: string | null;
    readonly reasoning_content?: string | null;
    readonly tool_calls?:
      | readonly {
          readonly index: number;
          readonly id?: string | null;
          readonly function?: { readonly name?: string | null; readonly arguments?: string | null };
        }[]
      | null;
  };
  readonly logprobs?: { readonly content?: readonly unknown[]; readonly tokens?: readonly unknown[] } | null;
  readonly finish_reason?: string | null;
}

/** Puts the choices of chunks together, as any client does. */
class Choices {
  readonly byIndex: Record<number, Choice> = {};

  take(fragments: readonly Fragment[]): void {
    for (const { index = 0, text, delta = {}, logprobs, finish_reason: finish } of fragments) {
      const choice = (this.byIndex[index] ??= { text: '', reasoning: '', calls: [], logprobs: 0, finish: null });
      choice.text += text ?? delta.content ?? '';
      choice.reasoning += delta.reasoning ?? delta.reasoning_content ?? '';
      choice.logprobs += (logprobs?.content ?? logprobs?.tokens ?? []).length;
      choice.finish = finish ?? choice.finish;
      for (const { index: at, id, function: called } of delta.tool_calls ?? []) {
        const call = (choice.calls[at] ??= { id: '', name: '', arguments: '' });
        call.id ||= id ?? '';
        call.name += called?.name ?? '';
        call.arguments += called?.arguments ?? '';
      }
    }
  }
}

interface Chunk {
  readonly choices: readonly Fragment[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

/** What a recorded stream says, read by other means than ours: whole. */
export function recordedReply(bytes: Buffer): { choices: Record<number, Choice>; usage: Chunk['usage'] } {
  const { body } = parseHttpMessage(bytes, true);
  const choices = new Choices();
  let usage: Chunk['usage'];
  for (const line of body.split('\n')) {
    if (!line.startsWith('data: {')) continue;
    const chunk = JSON.parse(line.slice('data: '.length)) as Chunk;
    choices.take(chunk.choices ?? []);
    usage = chunk.usage ?? usage;
  }
  return { choices: choices.byIndex, usage };
}

/** What the events of a run say. The end of an only choice is told by the last event. */
export function toldReply(events: readonly EngineEvent[]): { choices: Record<number, Choice>; usage?: EngineUsage } {
  const choices = new Choices();
  let usage: EngineUsage | undefined;
  for (const event of events) {
    if (event.kind === 'token') choices.take([{ index: 0, text: event.text }]);
    else if (event.kind === 'delta') choices.take(JSON.parse(event.data) as Fragment[]);
    else if (event.kind === 'end') usage = event.usage;
  }
  return { choices: choices.byIndex, ...(usage && { usage }) };
}
