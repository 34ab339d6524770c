/*
 * What others wrote (an engine's message, a name in a file) stands in log lines. None of it may end a line, begin another, or
 * drive the terminal that shows it.
 */

/** In JSON text: pino escapes up to U+001F, but some readers of lines also end one at U+0085, U+2028 or U+2029. */
const leftByJson = /[\x7f-\x9f\u2028\u2029]/g;
/** In a line for people also what turns the direction of writing or cannot be seen. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** A value that cannot be taken for more than one. */
const plainWord = /^[^\s"=]+$/;

/** A line of JSON with its line end, as pino writes it. */
export function jsonLine(line: string): string {
  return line.replace(leftByJson, escapeOf);
}

/** `time LEVEL sentence  field=value …`, for a terminal, from a line of JSON. */
export function prettyLine(line: string): string {
  const { time, level, human, event, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const more = Object.entries(rest).map(([key, value]) => `${key}=${fieldText(value)}`);
  const text = `${clock} ${String(level).toUpperCase().padEnd(5)} ${String(human ?? event)}  ${more.join(' ')}`;
  return `${text.replace(unseen, escapeOf)}\n`;
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && plainWord.test(value) ? value : JSON.stringify(value);
}

/** As in a JSON string. */
function escapeOf(character: string): string {
  const units = [...Array(character.length).keys()].map(at => character.charCodeAt(at));
  return units.map(unit => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
