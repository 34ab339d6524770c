import type { EngineEvent } from '../../engine-adapter.port';
import { integerOf, itemsOf, membersOf } from '../engine-json';
import { unified } from './finish';
import { ToolCalls } from './tool-calls';
import { withoutNulls } from './without-nulls';

type Members = Readonly<Record<string, unknown>>;

const MAX_CHOICES = 2048;

/**
 * Makes events of the `choices` of chunks. Plain text of an only choice is a token; whatever else is in a choice is kept as it came,
 * less what stands for nothing (nulls, a role by itself) and with what clients trip over put right: indexes of tool calls, and the two
 * names that reasoning goes by, of which `reasoning_content` is used.
 */
export class ChoiceReader {
  /** Counted by what was read, for engines that do not count. */
  tokens = 0;
  private readonly calls = new Map<number, ToolCalls>();

  constructor(
    private readonly operation: 'chat' | 'completion',
    /** A single choice was asked for. */
    private readonly single: boolean,
    private readonly logprobsOf: (logprobs: unknown) => unknown,
  ) {}

  get calledTools(): boolean {
    return [...this.calls.values()].some(calls => calls.any);
  }

  read(choices: readonly unknown[], into: EngineEvent[]): void {
    if (this.single && choices.length === 1) {
      const choice = membersOf(choices[0]);
      const text = this.plainText(choice);
      if (text !== undefined) return this.readText(text, into);
      // What comes with the last text is mostly about the end (which stop string it was), and the text no less plain for it.
      const last = typeof choice['finish_reason'] === 'string' ? this.plainText(withoutExtensions(choice)) : undefined;
      if (last !== undefined && last !== '' && isNothing(choice['logprobs'])) {
        this.readText(last, into);
        choices = [{ ...choice, delta: {}, text: '' }];
      }
    }
    let tokens = 0;
    const fragments: object[] = [];
    for (const choice of choices) {
      const fragment = this.fragmentOf(membersOf(choice));
      if (!fragment) continue;
      fragments.push(fragment.choice);
      tokens += fragment.tokens;
    }
    if (fragments.length === 0) return;
    this.tokens += tokens;
    into.push({ kind: 'delta', data: JSON.stringify(fragments), tokens });
  }

  /** Takes a piece of plain text. */
  readText(text: string, into: EngineEvent[]): void {
    if (text === '') return;
    this.tokens++;
    into.push({ kind: 'token', text: text.toWellFormed() });
  }

  /** The text of choices that are plain text of an only one; undefined of any others. */
  plainTextOf(choices: unknown): string | undefined {
    const isOne = this.single && Array.isArray(choices) && choices.length === 1;
    return isOne ? this.plainText(membersOf(choices[0])) : undefined;
  }

  /** Undefined where there is more to a choice than text. */
  private plainText(choice: Members): string | undefined {
    for (const name in choice) {
      if (name === 'finish_reason' || name === 'delta' || name === 'text') continue;
      const value = choice[name];
      if (value !== null && (name !== 'index' || value !== 0)) return undefined;
    }
    if (this.operation === 'completion') return typeof choice['text'] === 'string' ? choice['text'] : undefined;
    const delta = choice['delta'];
    if (typeof delta !== 'object' || delta === null) return undefined;
    for (const name in delta) {
      if (name === 'content' || name === 'role') continue;
      if (!isNothing((delta as Members)[name])) return undefined;
    }
    const { content } = delta as { readonly content?: unknown };
    return content === null || content === undefined ? '' : typeof content === 'string' ? content : undefined;
  }

  /** Undefined for a choice that says nothing. */
  private fragmentOf(choice: Members): { readonly choice: object; readonly tokens: number } | undefined {
    const { index: told, delta, text, logprobs, finish_reason: finish, ...others } = choice;
    const index = integerOf(told) ?? 0;
    const isEnd = !this.single && typeof finish === 'string' && finish !== '';
    const output = this.operation === 'chat' ? this.deltaOf(index, membersOf(delta)) : textOf(text);
    const extensions = withoutNulls(others);
    const tokens = countOf(logprobs) ?? (output ? 1 : 0);
    if (!output && !isEnd && tokens === 0 && Object.keys(extensions).length === 0) return undefined;
    const nothing = this.operation === 'chat' ? { delta: {} } : { text: '' };
    const fragment = {
      index,
      ...(output ?? nothing),
      ...(logprobs !== null && logprobs !== undefined && { logprobs: this.completed(this.logprobsOf(logprobs)) }),
      finish_reason: isEnd ? unified(finish) : null,
      ...extensions,
    };
    return { choice: fragment, tokens };
  }

  /** A chat's logprobs tell of its text and of its refusal, which no engine has, but the specification wants. */
  private completed(logprobs: unknown): unknown {
    return this.operation === 'chat' ? { refusal: null, ...membersOf(logprobs) } : logprobs;
  }

  private deltaOf(index: number, delta: Members): { readonly delta: object } | undefined {
    const { role: _role, content, tool_calls: calls, reasoning, reasoning_content: named, ...others } = delta;
    const thought = isNothing(named) ? reasoning : named;
    const repaired = isNothing(calls) ? [] : this.callsOf(index).repaired(calls);
    const members = {
      ...(!isNothing(content) && { content }),
      ...(!isNothing(thought) && { reasoning_content: thought }),
      ...(repaired.length > 0 && { tool_calls: repaired }),
      ...withoutNulls(others),
    };
    return Object.values(members).some(value => !isNothing(value)) ? { delta: members } : undefined;
  }

  private callsOf(index: number): ToolCalls {
    const known = this.calls.get(index);
    if (known) return known;
    const calls = new ToolCalls();
    if (this.calls.size < MAX_CHOICES) this.calls.set(index, calls);
    return calls;
  }
}

function withoutExtensions({ index, delta, text }: Members): Members {
  return { index, delta, text };
}

function textOf(text: unknown): { readonly text: string } | undefined {
  return typeof text === 'string' && text !== '' ? { text } : undefined;
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

/** A chat's logprobs have an entry for each token, as have those of a completion. */
function countOf(logprobs: unknown): number | undefined {
  const { content, tokens } = membersOf(logprobs);
  const list = Array.isArray(content) ? content : tokens;
  return Array.isArray(list) ? itemsOf(list, list.length).length : undefined;
}
