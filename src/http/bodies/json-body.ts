import { isUtf8 } from 'node:buffer';
import { ServiceError } from '../../errors/service-error';
import { faultOfJson, type JsonBounds, type JsonFault } from '../../json/json-scan';

/** Nesting past this is refused before anything recurses over it. */
export const MAX_JSON_DEPTH = 64;

/**
 * Of a body that becomes objects. Room for what is sent in earnest (an array of the tokens of a long context, thousands of messages,
 * hundreds of tools), and so little that no text within it keeps the parser busy for longer than some 35 ms: `npm run test:freeze`.
 * How long each may be is bounded by the bytes of the body.
 */
const objectBounds: JsonBounds = {
  depth: MAX_JSON_DEPTH,
  containers: 32_768,
  members: 16_384,
  strings: 32_768,
  values: 163_840,
  digits: 131_072,
  // More than any of the others comes to alone; thousands of messages and the tokens of a long context have room in it together.
  effort: 2_800_000,
};

/** Of a body that no object is made of on the event loop. */
const textBounds: JsonBounds = {
  depth: MAX_JSON_DEPTH,
  containers: Infinity,
  members: Infinity,
  strings: Infinity,
  values: Infinity,
  digits: Infinity,
  effort: Infinity,
};

const sentences: Readonly<Record<JsonFault, string>> = {
  containers: `must have at most ${objectBounds.containers} objects and arrays, all together`,
  depth: `must nest at most ${MAX_JSON_DEPTH} levels`,
  members: `must have at most ${objectBounds.members} members in its objects, all together`,
  strings: `must have at most ${objectBounds.strings} strings, names of members among them`,
  values: `must have at most ${objectBounds.values} values: members of objects and items of arrays, all together`,
  digits: `must have at most ${objectBounds.digits} characters in its numbers, all together, integers of up to 15 left out`,
  effort:
    'must have fewer members, strings, arrays and numbers: it has as many of each as is allowed, but not of all together',
  proto: 'must have no member named __proto__',
};

/** The text of a JSON value: UTF-8 and within its bounds, but not parsed yet. */
export class JsonText {
  constructor(readonly bytes: Buffer) {}
}

/** @throws ServiceError INVALID_PARAMS */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refused('the body is not valid JSON');
  }
}

/**
 * The text of a body that is to become objects; undefined for an empty one.
 * @throws ServiceError INVALID_PARAMS for what is no UTF-8 or past {@link objectBounds}
 */
export function textOfObjects(bytes: Buffer): JsonText | undefined {
  return checked(bytes, objectBounds);
}

/** The same for a body that stays text: only nesting is bounded. */
export function textOfDocument(bytes: Buffer): JsonText | undefined {
  return checked(bytes, textBounds);
}

/** What keeps a text from becoming objects, as the rest of a sentence about it; undefined where only the parser can say. */
export function faultOfObjects(bytes: Buffer): string | undefined {
  return faultIn(bytes, objectBounds);
}

function checked(bytes: Buffer, bounds: JsonBounds): JsonText | undefined {
  if (isBlank(bytes)) return undefined;
  const fault = faultIn(bytes, bounds);
  if (fault !== undefined) throw refused(`the body ${fault}`);
  return new JsonText(bytes);
}

function faultIn(bytes: Buffer, bounds: JsonBounds): string | undefined {
  if (!isUtf8(bytes)) return 'is not valid UTF-8';
  const fault = faultOfJson(bytes, bounds);
  return fault && sentences[fault];
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false;
  return true;
}

function refused(message: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field: 'body', message });
}
