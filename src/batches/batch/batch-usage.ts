/** Tokens of the lines of a batch that were answered. */
export interface BatchUsage {
  readonly input: number;
  /** Of those, read from an engine's cache. */
  readonly cached: number;
  readonly output: number;
  /** Of those, thoughts. */
  readonly reasoning: number;
}

export const noUsage: BatchUsage = { input: 0, cached: 0, output: 0, reasoning: 0 };

/** The last characters of a result, in which its usage is: little follows it in the body of an answer. */
export const TAIL_CHARS = 1024;
/** No text in JSON can hold it: quotes are escaped there. */
const START = '"usage":';

type Counts = Readonly<Record<string, unknown>>;

/**
 * What a line of an output file says of its tokens; nothing for one that does not say it. Chats, completions and embeddings have names for it that
 * are not those of responses.
 * @param line or its last {@link TAIL_CHARS} characters
 */
export function usageIn(line: string): BatchUsage {
  const usage = objectAt(line, line.lastIndexOf(START));
  if (!usage) return noUsage;
  const details = (name: string): Counts => (usage[name] ?? {}) as Counts;
  return {
    input: countOf(usage['prompt_tokens'] ?? usage['input_tokens']),
    cached: countOf(
      details('prompt_tokens_details')['cached_tokens'] ?? details('input_tokens_details')['cached_tokens'],
    ),
    output: countOf(usage['completion_tokens'] ?? usage['output_tokens']),
    reasoning: countOf(
      details('completion_tokens_details')['reasoning_tokens'] ?? details('output_tokens_details')['reasoning_tokens'],
    ),
  };
}

export function sumOf(one: BatchUsage, other: BatchUsage): BatchUsage {
  return {
    input: one.input + other.input,
    cached: one.cached + other.cached,
    output: one.output + other.output,
    reasoning: one.reasoning + other.reasoning,
  };
}

/** The object whose member begins there. Its members are counts, and objects of counts. */
function objectAt(line: string, start: number): Counts | undefined {
  if (start < 0) return undefined;
  const from = start + START.length;
  let depth = 0;
  for (let at = from; at < line.length; at++) {
    if (line[at] === '{') depth++;
    if (line[at] === '}') depth--;
    if (depth === 0) return parsed(line.slice(from, at + 1));
  }
  return undefined;
}

function parsed(text: string): Counts | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Counts) : undefined;
  } catch {
    return undefined;
  }
}

function countOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
