import type { ToolName } from '../requests/tool-names';

/*
 * Items of a response's output while they grow. Text is kept as pieces of JSON, as events have it, and put together once it is needed.
 */

type Status = 'in_progress' | 'completed' | 'incomplete';

export abstract class OutputItem {
  abstract readonly kind: 'message' | 'refusal' | 'reasoning' | 'function_call';
  private readonly pieces: string[] = [];
  /** All of it, where it was asked for since it grew. */
  private whole: string | undefined;

  constructor(
    readonly id: string,
    readonly index: number,
  ) {}

  /** @param json a JSON text, with its quotes */
  grow(json: string): void {
    this.pieces.push(json.slice(1, -1));
    this.whole = undefined;
  }

  get text(): string {
    return (this.whole ??= JSON.parse(`"${this.pieces.join('')}"`) as string);
  }

  abstract shown(status: Status): object;
}

/** What the model says, or that it refuses to. */
export class MessageItem extends OutputItem {
  readonly logprobs: unknown[] = [];

  constructor(
    readonly kind: 'message' | 'refusal',
    id: string,
    index: number,
  ) {
    super(id, index);
  }

  part(text = this.text): object {
    return this.kind === 'refusal'
      ? { type: 'refusal', refusal: text }
      : { type: 'output_text', text, annotations: [], logprobs: this.logprobs };
  }

  shown(status: Status): object {
    const content = status === 'in_progress' ? [] : [this.part()];
    return { id: this.id, type: 'message', status, role: 'assistant', content };
  }
}

export class ReasoningItem extends OutputItem {
  readonly kind = 'reasoning';

  part(text = this.text): object {
    return { type: 'reasoning_text', text };
  }

  shown(status: Status): object {
    const content = status === 'in_progress' ? [] : [this.part()];
    return { id: this.id, type: 'reasoning', summary: [], content, encrypted_content: null, status };
  }
}

export class CallItem extends OutputItem {
  readonly kind = 'function_call';

  constructor(
    id: string,
    index: number,
    readonly call: number,
    readonly callId: string,
    readonly called: ToolName,
  ) {
    super(id, index);
  }

  shown(status: Status): object {
    const { id, callId } = this;
    const given = status === 'in_progress' ? '' : this.text;
    return { id, type: 'function_call', status, call_id: callId, ...this.called, arguments: given };
  }
}
