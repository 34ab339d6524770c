import { parse } from 'secure-json-parse';
import { ServiceError } from '../errors/service-error';

/** Nesting past this is refused before anything recurses over it. */
export const MAX_JSON_DEPTH = 64;

/** Parses a request body; an empty one is undefined. */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  if (isDeeperThan(text, MAX_JSON_DEPTH)) {
    throw new ServiceError('INVALID_PARAMS', {
      field: 'body',
      message: `the body must nest at most ${MAX_JSON_DEPTH} levels`,
    });
  }
  try {
    return parse(text, undefined, { protoAction: 'error', constructorAction: 'ignore' }) as unknown;
  } catch {
    throw new ServiceError('INVALID_PARAMS', {
      field: 'body',
      message: 'the body is not valid JSON, or has a __proto__ key',
    });
  }
}

/** Counts brackets outside strings in one pass, so that a hostile body never reaches a recursive parser or validator. */
function isDeeperThan(text: string, max: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > max) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** Index of the quote that ends the string opened at `from`; the text's end when it never does. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}
