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

/** Undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
