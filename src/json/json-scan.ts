/** What a JSON text may hold, counted before anything is made of it. */
export interface JsonBounds {
  /** Levels of objects and arrays. */
  readonly depth: number;
  /** Objects and arrays, all together. */
  readonly containers: number;
  /** Members of all objects together. Each costs the parser a name and often a shape: nothing is dearer. */
  readonly members: number;
  /** Strings, names of members too. The parser looks for each short one among all that it knows. */
  readonly strings: number;
  /** Members of objects and items of arrays, all together. */
  readonly values: number;
  /** Characters of all numbers together, short integers left out. One that lies between two doubles takes the parser as long as ten others. */
  readonly digits: number;
  /** What all of it takes a parser together, in some ten nanoseconds; see {@link effortOf}. */
  readonly effort: number;
}

export type JsonFault = keyof JsonBounds | 'proto';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** An integer of so many is a double as it stands. */
const EXACT_CHARS = 15;
/** Shorter strings end before a search in native code has begun. */
const SHORT_STRING = 64;

const OTHER = 0;
const STRING = 1;
const OPEN = 2;
const CLOSE = 3;
const COLON = 4;
const COMMA = 5;
const NUMBER = 6;
const kinds = new Uint8Array(256);
kinds[QUOTE] = STRING;
for (const [kind, characters] of [
  [OPEN, '{['],
  [CLOSE, '}]'],
  [COLON, ':'],
  [COMMA, ','],
  [NUMBER, '-0123456789'],
] as const) {
  for (const character of characters) kinds[character.charCodeAt(0)] = kind;
}

const numberSigns: ReadonlySet<number | undefined> = new Set(Buffer.from('.eE+-'));

/**
 * Goes once over the bytes of a JSON text and says what of `bounds` it exceeds first (the effort last), or that it has a member `__proto__`. It makes
 * nothing, recurses over nothing and takes a few nanoseconds a byte, whatever the text is; whether that is JSON at all is for the
 * parser to say.
 */
export function faultOfJson(bytes: Buffer, bounds: JsonBounds): JsonFault | undefined {
  const { length } = bytes;
  let depth = 0;
  let containers = 0;
  let members = 0;
  let strings = 0;
  let values = 0;
  let digits = 0;
  let stringStart = 0;
  let stringEnd = 0;
  for (let at = 0; at < length; at++) {
    switch (kinds[bytes[at] as number] as number) {
      case OTHER:
        break;
      case STRING:
        if (++strings > bounds.strings) return 'strings';
        stringStart = at + 1;
        at = stringEnd = endOfString(bytes, stringStart);
        break;
      case OPEN:
        if (++depth > bounds.depth) return 'depth';
        if (++containers > bounds.containers) return 'containers';
        // What is not empty has one value more than commas.
        if (kinds[bytes[(at = beforeNext(bytes, at)) + 1] as number] !== CLOSE && ++values > bounds.values)
          return 'values';
        break;
      case CLOSE:
        depth--;
        break;
      case COLON:
        if (++members > bounds.members) return 'members';
        if (isProto(bytes, stringStart, stringEnd)) return 'proto';
        break;
      case COMMA:
        if (++values > bounds.values) return 'values';
        break;
      case NUMBER: {
        const start = at;
        const digitsEnd = endOfDigits(bytes, start + 1);
        const end = endOfNumber(bytes, digitsEnd);
        const isExact = end === digitsEnd && end - start <= EXACT_CHARS;
        if (!isExact && (digits += end - start) > bounds.digits) return 'digits';
        at = end - 1;
      }
    }
  }
  return effortOf({ containers, members, strings, values, digits }) > bounds.effort ? 'effort' : undefined;
}

/** As measured with V8, where each is the dearest of its kind: a member of an object of its own shape, a number between two doubles. */
function effortOf(has: Omit<JsonBounds, 'depth' | 'effort'>): number {
  return 90 * has.members + 20 * has.strings + 20 * has.containers + 9 * has.digits + 3 * has.values;
}

/** Index of the quote that ends the string whose content begins at `start`; the text's end when it never does. */
function endOfString(bytes: Buffer, start: number): number {
  const { length } = bytes;
  let at = start;
  for (;;) {
    // By steps of both kinds, for either alone is slow on some text: one on long strings, the other on escaped quotes.
    for (const end = Math.min(at + SHORT_STRING, length); at < end; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
    if (at >= length) return length;
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) return length;
    let backslashes = 0;
    while (quote - backslashes > at && bytes[quote - backslashes - 1] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
    at = quote + 1;
  }
}

function endOfDigits(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at++;
  return at;
}

/** @param start where its first digits have ended */
function endOfNumber(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at]) || numberSigns.has(bytes[at])) at++;
  return at;
}

function isDigit(byte = 0): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Index of the last of the white space after `at`, or `at`. */
function beforeNext(bytes: Buffer, at: number): number {
  let next = at + 1;
  for (; next < bytes.length; next++) {
    const byte = bytes[next];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return next - 1;
}

const PROTO = Buffer.from('__proto__');

/** Whether a string is `__proto__`, however it is escaped. */
function isProto(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  for (const expected of PROTO) {
    if (bytes[at] === expected) at++;
    else if (bytes[at] === BACKSLASH && isEscaped(bytes, at, expected)) at += 6;
    else return false;
  }
  return at === end;
}

/** `\u00XX` with the digits of this character. */
function isEscaped(bytes: Buffer, at: number, expected: number): boolean {
  return (
    bytes[at + 1] === 0x75 &&
    bytes[at + 2] === 0x30 &&
    bytes[at + 3] === 0x30 &&
    hexDigit(bytes[at + 4]) * 16 + hexDigit(bytes[at + 5]) === expected
  );
}

/** NaN for what is none. */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NaN;
}
