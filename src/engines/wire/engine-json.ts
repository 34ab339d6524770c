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
/** Several times what the largest report of an engine has (a thousand models, hundreds of slots). */
const MAX_DEPTH = 64;
const MAX_CONTAINERS = 16_384;
const MAX_VALUES = 65_536;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** Undefined for what is not JSON, or is more than an engine has to say: see {@link isModest}. */
export function parseJson(text: string): unknown {
  if (text.length > SMALL_CHARS && !isModest(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Whether a text nests no deeper and has no more values than an engine's. A parser's time goes by these far more than by length: 4 MB
 * of brackets hold up the loop for seconds, 4 MB of text in quotes for some milliseconds.
 */
function isModest(text: string): boolean {
  let depth = 0;
  let containers = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case COMMA:
        if (++values > MAX_VALUES) return false;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MAX_DEPTH || ++containers > MAX_CONTAINERS) return false;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
    }
  }
  return true;
}

/** The index of the quote that closes the string, or the text's length. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}
