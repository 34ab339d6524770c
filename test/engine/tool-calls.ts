import { jsonSample } from './json-sample';
import type { ToolCall } from './say';

/** As chat requests of every API offer them. */
export interface ToolOffer {
  readonly tools: unknown;
  /** `none`, `auto`, `required`, or an object that names a function. */
  readonly choice: unknown;
  readonly parallel: boolean;
  readonly messages: readonly unknown[];
}

const AT_ONCE = 2;

type Json = Readonly<Record<string, unknown>>;

/**
 * What the stand-in calls: the function that is named; else each one that is offered, two at most, or the first where
 * calls may not be parallel. Once a tool has answered it goes on with words, unless it has to call.
 */
export function toolCalls(offer: ToolOffer, random: () => number, words: readonly string[]): readonly ToolCall[] {
  const functions = functionsIn(offer.tools);
  const { choice = 'auto' } = offer;
  const last = offer.messages.at(-1) as Json | undefined;
  if (choice === 'none' || functions.length === 0) return [];
  if (choice !== 'required' && typeof choice === 'string' && last?.role === 'tool') return [];
  const named = namedFunction(choice);
  const called =
    named === undefined
      ? functions.slice(0, offer.parallel ? AT_ONCE : 1)
      : functions.filter(({ name }) => name === named);
  return called.map(({ name, parameters }) => ({
    name,
    arguments: JSON.stringify(jsonSample(parameters ?? { type: 'object' }, random, words)),
  }));
}

export function functionsIn(tools: unknown): readonly { readonly name: string; readonly parameters: unknown }[] {
  if (!Array.isArray(tools)) return [];
  return tools.map(tool => {
    const { function: offered = tool } = (tool ?? {}) as Json;
    const { name, parameters } = (offered ?? {}) as Json;
    return { name: String(name), parameters };
  });
}

/** The function that `tool_choice` names; undefined where it names none. */
export function namedFunction(choice: unknown): string | undefined {
  if (typeof choice !== 'object' || choice === null) return undefined;
  const { function: named = choice } = choice as Json;
  const { name } = (named ?? {}) as Json;
  return typeof name === 'string' ? name : undefined;
}
