/** Bodies that are made to cost more than they weigh. */
export interface Shape {
  readonly name: string;
  /**
   * @param fields the names that the route knows
   * @param salt another one each time: what has been seen before costs the parser less
   */
  readonly body: (fields: readonly string[], salt: string) => Buffer;
}

const MIB = 1024 * 1024;
const BODY_BYTES = 4 * MIB;
/** A little below what is allowed; see json-body.ts. */
const MEMBERS = 16_300;
const STRINGS = 32_650;
const VALUES = 163_000;
const CONTAINERS = 32_600;
const DIGITS = 130_800;
const DEPTH = 60;

/** Whatever the route takes, one of these is wrong, so that it must also be said what. */
const wrong = '"ctx":-1,"deadline_ms":"soon","state":7,"new_model_ref":7,"pool_id":7,"purge_engine":7,"id":7';

const many = (count: number, make: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => make(n)).join(',');
const upTo = (bytes: number, make: (n: number) => string): string => {
  const parts: string[] = [];
  for (let n = 0, length = 0; ; n++) {
    const part = make(n);
    length += Buffer.byteLength(part) + 1;
    if (length > bytes) return parts.join(',');
    parts.push(part);
  }
};
const room = BODY_BYTES - 400;

/** In an object beside what is wrong; filled up with white space. */
function beside(members: string, bytes = BODY_BYTES): Buffer {
  const text = `{${wrong},${members}`;
  return Buffer.from(`${text}${' '.repeat(Math.max(0, bytes - 1 - Buffer.byteLength(text)))}}`);
}

/** As the value of every field that the route knows, in equal shares. */
const inFields =
  (make: (share: number, salt: string) => string): Shape['body'] =>
  (fields, salt) =>
    Buffer.from(`{${many(fields.length, n => `"${fields[n] ?? ''}":${make(fields.length, salt + n)}`)}}`);

/** Of all numbers the one that takes longest for its length, but for those of hundreds of digits. */
const slowest = '9e-265';
const deepArrays = '['.repeat(DEPTH) + ']'.repeat(DEPTH);
/** Of each of them this share comes to what is allowed of all together. */
const SHARE = 0.62;
const allAllowed = (salt: string): string => {
  const share = (count: number): number => Math.floor(SHARE * count);
  const fractions = share(DIGITS / slowest.length);
  return [
    many(share(MEMBERS), n => `{"${salt}${n}":1}`),
    many(share(STRINGS - MEMBERS), n => `"${salt}${n}"`),
    many(share((CONTAINERS - MEMBERS) / DEPTH), () => deepArrays),
    many(fractions, () => slowest),
    many(share(VALUES - STRINGS - CONTAINERS) - fractions, n => String(n)),
  ].join(',');
};
/** Between two doubles for as long as a parser looks at. */
const halfway = (n: number): string => `9007199254740993.${'0'.repeat(770)}${n % 10}`;
const emoji = '\u{1F600}';

export const shapes: readonly Shape[] = [
  // Far past what is allowed: refused before anything is made of them.
  { name: 'members', body: (_, salt) => beside(upTo(room, n => `"${salt}${n}":1`)) },
  { name: 'arrays', body: () => beside(`"a":[${upTo(room, () => '[]')}]`) },
  { name: 'nesting', body: () => beside(`"a":${'{"a":'.repeat(700_000)}1${'}'.repeat(600_000)}`) },
  { name: 'nested arrays', body: () => beside(`"a":[${upTo(room, () => deepArrays)}]`) },
  { name: 'long keys', body: (_, salt) => beside(upTo(room, n => `"${(salt + n).padEnd(100, 'k')}":1`)) },
  { name: 'numbers', body: () => beside(`"a":[${upTo(room, n => String(n % 1000))}]`) },
  { name: 'duplicates', body: () => beside(upTo(room, () => '"a":1')) },
  {
    name: 'members, 1 MiB',
    body: (_, salt) => Buffer.from(`{${upTo(MIB - 40, n => `"${salt}${n.toString(36)}":${n % 10}`)}}`),
  },
  {
    name: 'objects, 1 MiB',
    body: (_, salt) => Buffer.from(`[${upTo(MIB - 40, n => `{"${salt}${n.toString(36)}":1}`)}]`),
  },
  // As much as is allowed.
  { name: 'members, allowed', body: (_, salt) => beside(many(MEMBERS, n => `"${(salt + n).padEnd(100, 'k')}":1`)) },
  { name: 'objects, allowed', body: (_, salt) => beside(`"a":[${many(MEMBERS, n => `{"${salt}${n}":1}`)}]`) },
  { name: 'arrays, allowed', body: () => beside(`"a":[${many(CONTAINERS, () => '[]')}]`) },
  { name: 'nested arrays, allowed', body: () => beside(`"a":[${many(CONTAINERS / DEPTH, () => deepArrays)}]`) },
  { name: 'numbers, allowed', body: () => beside(`"a":[${many(VALUES, n => String(1_000_000 + n))}]`) },
  { name: 'fractions, allowed', body: () => beside(`"a":[${many(DIGITS / slowest.length, () => slowest)}]`) },
  { name: 'long fractions, allowed', body: () => beside(`"a":[${upTo(DIGITS, halfway)}]`) },
  { name: 'strings, allowed', body: (_, salt) => beside(`"a":[${many(STRINGS, n => `"${salt}${n}"`)}]`) },
  { name: 'all of them, allowed', body: (_, salt) => beside(`"a":[${allAllowed(salt)}]`) },
  { name: 'long numbers', body: () => beside(`"a":[${upTo(room, halfway)}]`) },
  { name: 'one long key', body: () => beside(`"${'k'.repeat(room)}":1`) },
  {
    name: 'escaped names',
    body: (_, salt) => beside(many(MEMBERS, n => `"\\u005f\\u005fprot${'\\u006f'.repeat(10)}${salt}${n}":1`)),
  },
  { name: 'text', body: () => beside(`"prompt":"${emoji.repeat((room - 100) / 4)}"`) },
  { name: 'text in every field', body: inFields(share => `"${emoji.repeat(room / 4 / share - 50)}"`) },
  {
    name: 'objects in every field',
    body: inFields((share, salt) => `{${many(MEMBERS / share, n => `"${salt}${n}":1`)}}`),
  },
  {
    name: 'lists in every field',
    body: inFields((share, salt) => `[${many(Math.floor(STRINGS / share) - 1, n => `"${salt}${n}"`)}]`),
  },
  {
    name: 'lists of objects in every field',
    body: inFields((share, salt) => `[${many(MEMBERS / share - 1, n => `{"${salt}${n}":1}`)}]`),
  },
  // Nothing wrong with them.
  { name: 'a prompt of 4 MiB', body: () => Buffer.from(`{"prompt":"${emoji.repeat(room / 4)}"}`) },
  { name: 'a prompt of escapes', body: () => Buffer.from(`{"prompt":"${'\\u0001'.repeat(room / 6)}"}`) },
  { name: 'tokens', body: () => beside(`"tokens":[${many(131_072, n => String(n))}]`) },
];
