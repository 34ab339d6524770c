import { plainFileName, secret } from '../config/parsers';
import { engineAddress } from '../pools/bindings/engine-address';

/** A key, some headers, and a few addresses. */
export const MAX_KEY_FILE_BYTES = 16 * 1024;

const MAX_HEADERS = 16;
const MAX_ADDRESSES = 64;
/** Of the connection, of the body, or the service's own. */
const reserved =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-.*|accept|accept-encoding|proxy-.*|x-correlation-id)$/;
const headerName = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const headerValue = /^[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?$/;
const members = ['key', 'headers', 'ca_file', 'addresses'] as const;

export interface EngineKey {
  /** Names in lower case; the key among them, as a bearer. */
  readonly headers: Readonly<Record<string, string>>;
  /** A file beside this one, with the certificate of the authority that the engine's is trusted by. */
  readonly caFile?: string;
  /** Where it may be sent, each in the spelling of {@link engineAddress}; empty: wherever an engine may live. */
  readonly addresses: readonly string[];
}

/**
 * Reads the text of a key file. As lines: the key on the first, and on those after it the engines it is for, each an http(s) URL; ones that
 * are empty or begin with `#` say nothing. As a JSON object: `key`, `headers`, `ca_file` and `addresses`, one of the first three at least.
 * @throws Error with a clause that says what is wrong; never a part of the key
 */
export function parseEngineKey(text: string): EngineKey {
  return text.trimStart().startsWith('{') ? ofJson(text) : ofLines(text);
}

function ofLines(text: string): EngineKey {
  const lines = text
    .split('\n')
    .map((line, at) => ({ content: line.trim(), number: at + 1 }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'));
  const [first, ...rest] = lines;
  if (!first) throw new Error('it holds no key');
  const addresses = rest.map(({ content, number }) => addressOf(content, `its line ${number}`));
  return { headers: bearer(keyOf(first.content, 'its first line')), addresses };
}

function ofJson(text: string): EngineKey {
  const { key, headers = {}, ca_file: caFile, addresses = [] } = objectOf(text);
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw new Error('its headers are not an object of texts');
  const named = Object.entries(headers as Readonly<Record<string, unknown>>);
  if (named.length > MAX_HEADERS) throw new Error(`it has more than ${MAX_HEADERS} headers`);
  if (caFile !== undefined && (typeof caFile !== 'string' || !plainFileName.test(caFile)))
    throw new Error('its ca_file is not the plain name of a file beside it');
  if (!Array.isArray(addresses) || addresses.length > MAX_ADDRESSES)
    throw new Error(`its addresses are not a list of at most ${MAX_ADDRESSES}`);
  if (key === undefined && named.length === 0 && caFile === undefined) throw new Error('it holds no key');
  return {
    headers: {
      ...Object.fromEntries(named.map(([name, value], at) => headerOf(name, value, at + 1))),
      ...(key !== undefined && bearer(keyOf(key, 'its key'))),
    },
    ...(caFile !== undefined && { caFile }),
    addresses: addresses.map((address, at) => addressOf(address, `its address ${at + 1}`)),
  };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it begins with { and is not JSON');
  }
  const isKnown = Object.keys(value as object).every(name => (members as readonly string[]).includes(name));
  if (!isKnown) throw new Error(`it has members other than ${members.join(', ')}`);
  return value as Readonly<Record<string, unknown>>;
}

/** A header is named by its place: whoever takes name for value has written a secret there. */
function headerOf(name: string, value: unknown, place: number): readonly [string, string] {
  if (!headerName.test(name)) throw new Error(`the name of its header ${place} is not one of letters, digits and -`);
  if (reserved.test(name.toLowerCase())) throw new Error(`its header ${place} is one that the service sets itself`);
  if (typeof value !== 'string' || !headerValue.test(value))
    throw new Error(`the value of its header ${place} is not 1 to 1024 printable ASCII characters`);
  return [name.toLowerCase(), value];
}

function bearer(key: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${key}` };
}

function keyOf(content: unknown, place: string): string {
  try {
    return secret.parse(typeof content === 'string' ? content : '');
  } catch {
    throw new Error(`${place} is not a key of ${secret.allowed}`);
  }
}

function addressOf(content: unknown, place: string): string {
  if (typeof content === 'string' && /^https?:\/\//i.test(content) && URL.canParse(content))
    return engineAddress(content);
  throw new Error(`${place} is not the http(s) URL of an engine that the key is for`);
}
