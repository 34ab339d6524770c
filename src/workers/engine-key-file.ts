import { secret } from '../config/parsers';
import { engineAddress } from '../pools/bindings/engine-address';

/** A key, and a few addresses. */
export const MAX_KEY_FILE_BYTES = 4096;

export interface EngineKey {
  readonly key: string;
  /** Where it may be sent, each in the spelling of {@link engineAddress}; empty: wherever an engine may live. */
  readonly addresses: readonly string[];
}

/**
 * Reads the text of a key file: the key on its first line, and on the lines after it the engines it is for, each an http(s) URL.
 * Lines that are empty or begin with `#` say nothing.
 * @throws Error with a clause that says what is wrong; never a part of the key
 */
export function parseEngineKey(text: string): EngineKey {
  const lines = text
    .split('\n')
    .map((line, at) => ({ content: line.trim(), number: at + 1 }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'));
  const [first, ...rest] = lines;
  if (!first) throw new Error('it holds no key');
  return { key: keyOf(first.content), addresses: rest.map(({ content, number }) => addressOf(content, number)) };
}

function keyOf(content: string): string {
  try {
    return secret.parse(content);
  } catch {
    throw new Error(`its first line is not a key of ${secret.allowed}`);
  }
}

function addressOf(content: string, line: number): string {
  if (/^https?:\/\//i.test(content) && URL.canParse(content)) return engineAddress(content);
  throw new Error(`its line ${line} is not the http(s) URL of an engine that the key is for`);
}
