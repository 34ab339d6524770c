import { faultOfJson, type JsonBounds } from '../../json/json-scan';

/** Reads what an engine sent as JSON: a value of another type or out of its range counts as absent. */

/** The members of an object; none of anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

export function itemsOf(value: unknown, maxItems: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, maxItems) : [];
}

/** A whole number from `min` up. */
export function integerOf(value: unknown, min = 0): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min ? value : undefined;
}

/** Milliseconds, fractional. */
export function durationMsOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** Text on one line, well formed and cut to a length; undefined where nothing is left. */
export function lineOf(value: unknown, maxChars: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  const line = value
    .slice(0, 2 * maxChars)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, maxChars)
    .toWellFormed();
  return line === '' ? undefined : line;
}

/** Past so many characters the shape of a text is looked at before it is parsed: a small one costs little, whatever its shape. */
const SMALL_CHARS = 64 * 1024;
/**
 * Several times what the largest report of an engine has (a thousand models, hundreds of slots). A parser's time goes by these far more
 * than by length: 4 MB of brackets hold up the loop for seconds, 4 MB of text in quotes for some milliseconds.
 */
const reportBounds: JsonBounds = {
  depth: 64,
  containers: 16_384,
  members: 65_536,
  strings: Infinity,
  values: 65_536,
  // Two logprobs in full for as many tokens of a prompt as there may be objects.
  digits: 655_360,
  effort: Infinity,
};

/** Undefined for what is not JSON, or is more than an engine has to say. */
export function parseJson(text: string): unknown {
  if (text.length > SMALL_CHARS && faultOfJson(Buffer.from(text), reportBounds) !== undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
