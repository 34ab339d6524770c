import type { Fragment } from '../events/fragment';

type Members = Readonly<Record<string, unknown>>;

interface JoinedCall {
  readonly [member: string]: unknown;
  function: { name?: unknown; arguments: string };
}

/** One choice, put together from its fragments. */
export class JoinedChoice {
  finish: string | undefined;
  private text = '';
  private thought: string | undefined;
  private refusal: string | undefined;
  private readonly calls = new Map<number, JoinedCall>();
  /** Null for a list that is told not to be there: the specification wants that said. */
  private readonly logprobs = new Map<string, unknown[] | null>();
  private extensions: Members = {};
  private others: Members = {};

  get callsTools(): boolean {
    return this.calls.size > 0;
  }

  say(text: string): void {
    this.text += text;
  }

  take({ index: _, delta = {}, text, logprobs, finish_reason: finish, ...extensions }: Fragment): void {
    const { content, reasoning_content: thought, refusal, tool_calls: calls, ...others } = delta;
    for (const piece of [content, text]) if (typeof piece === 'string') this.text += piece;
    if (typeof thought === 'string') this.thought = (this.thought ?? '') + thought;
    if (typeof refusal === 'string') this.refusal = (this.refusal ?? '') + refusal;
    if (Array.isArray(calls)) for (const call of calls as readonly Members[]) this.call(call);
    for (const [name, list] of Object.entries(logprobs ?? {})) this.note(name, list);
    if (typeof finish === 'string') this.finish = finish;
    this.others = { ...this.others, ...others };
    this.extensions = { ...this.extensions, ...extensions };
  }

  chat(index: number, finish: string | null): object {
    const { text, thought, refusal = null, calls, others } = this;
    const message = {
      role: 'assistant',
      content: text === '' && (calls.size > 0 || refusal !== null) ? null : text,
      refusal,
      ...(thought !== undefined && { reasoning_content: thought, reasoning: thought }),
      ...(calls.size > 0 && { tool_calls: [...calls.values()] }),
      ...others,
    };
    return { index, message, logprobs: this.allLogprobs(), finish_reason: finish, ...this.extensions };
  }

  completion(index: number, finish: string | null): object {
    return { text: this.text, index, logprobs: this.allLogprobs(), finish_reason: finish, ...this.extensions };
  }

  private call({ index = 0, function: called, ...members }: Members): void {
    const { name, arguments: given } = (called ?? {}) as Members;
    const known: JoinedCall = this.calls.get(index as number) ?? { function: { arguments: '' } };
    this.calls.set(index as number, {
      ...known,
      ...members,
      function: {
        ...known.function,
        ...(name !== undefined && { name }),
        arguments: known.function.arguments + (typeof given === 'string' ? given : ''),
      },
    });
  }

  private note(name: string, list: unknown): void {
    const known = this.logprobs.get(name);
    const items = Array.isArray(list) ? (list as readonly unknown[]) : undefined;
    if (known && items) known.push(...items);
    else if (!known) this.logprobs.set(name, items ? [...items] : null);
  }

  private allLogprobs(): object | null {
    return this.logprobs.size === 0 ? null : Object.fromEntries(this.logprobs);
  }
}
