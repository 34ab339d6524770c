import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOfJson, type JsonBounds } from './json-scan';

const names = ['depth', 'containers', 'members', 'strings', 'values', 'digits'] as const;
const unbounded = Object.fromEntries([...names, 'effort'].map(name => [name, Infinity])) as unknown as JsonBounds;

function fault(text: string, bounds: Partial<JsonBounds> = {}): string | undefined {
  return faultOfJson(Buffer.from(text), { ...unbounded, ...bounds });
}

function digitsOf(number: string): number {
  return number.length <= 15 && /^-?\d+$/.test(number) ? 0 : number.length;
}

/** What a value holds, counted on the value. */
function countsOf(value: unknown): Omit<JsonBounds, 'effort'> {
  const counts = { depth: 0, containers: 0, members: 0, strings: 0, values: 0, digits: 0 };
  const visit = (node: unknown, depth: number): void => {
    if (typeof node === 'string') counts.strings++;
    if (typeof node === 'number') counts.digits += digitsOf(JSON.stringify(node));
    if (typeof node !== 'object' || node === null) return;
    counts.containers++;
    counts.depth = Math.max(counts.depth, depth);
    const held = Object.values(node);
    counts.values += held.length;
    if (!Array.isArray(node)) {
      counts.members += held.length;
      counts.strings += held.length;
    }
    for (const member of held) visit(member, depth + 1);
  };
  visit(value, 1);
  return counts;
}

describe('the counts of a JSON text', () => {
  const long = fc.string({ unit: fc.constantFrom('\\', '"', 'x', '{', ':', ',', '\u{1F600}'), maxLength: 300 });
  const value = fc.jsonValue({ stringUnit: 'grapheme' });
  const sample = fc.tuple(
    fc.oneof(value, fc.array(long), fc.dictionary(long, value)),
    fc.constantFrom(undefined, 1, '\t'),
  );

  it('are those of its value, however it is written', () => {
    fc.assert(
      fc.property(sample, ([sent, indent]) => {
        const text = JSON.stringify(sent, undefined, indent);
        // JSON.stringify leaves out a member `__proto__` of no object, and JSON.parse makes one: the value is that of the text.
        const counts = countsOf(JSON.parse(text));
        const isPoisoned = fault(text) === 'proto';
        if (isPoisoned) return;
        expect(fault(text, counts)).toBeUndefined();
        for (const name of names) {
          if (counts[name] > 0) expect([text, fault(text, { [name]: counts[name] - 1 })]).toEqual([text, name]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('do not look into strings', () => {
    const quoted = JSON.stringify({ 'a":[{': `${'\\"'.repeat(100)}{[:,${'\\'.repeat(99)}` });
    expect(fault(quoted, { depth: 1, members: 1, strings: 2, values: 1 })).toBeUndefined();
  });

  it.each(['0', '-1', '123456789012345', '[7,-12345678901234]', '"1.5e300"'])(
    'take no notice of the digits of %s',
    text => {
      expect(fault(text, { digits: 0 })).toBeUndefined();
    },
  );

  it.each([
    ['1234567890123456', 16],
    ['-123456789012345', 16],
    ['0.5', 3],
    ['9e-265', 6],
    ['[1.0 ,-2E+3\n, 4,{"a":0.25}]', 12],
    [`9007199254740993.${'0'.repeat(770)}1`, 788],
  ])('take all characters of a number that is no short integer: %s', (text, digits) => {
    expect(fault(text, { digits })).toBeUndefined();
    expect(fault(text, { digits: digits - 1 })).toBe('digits');
  });

  it.each([
    ['[]', 20],
    ['[1,2]', 20 + 2 * 3],
    ['["a"]', 20 + 3 + 20],
    ['{"a":1}', 20 + 3 + 20 + 90],
    ['[0.5]', 20 + 3 + 3 * 9],
  ])('come to the effort of %s', (text, effort) => {
    expect(fault(text, { effort })).toBeUndefined();
    expect(fault(text, { effort: effort - 1 })).toBe('effort');
  });

  it('take empty objects and arrays for values of what holds them, and for no more', () => {
    expect(fault('[[ ], {\n}, []]', { values: 3 })).toBeUndefined();
    expect(fault('[[ ], {\n}, []]', { values: 2 })).toBe('values');
  });
});

describe('a member named __proto__', () => {
  it.each([
    '{"__proto__":1}',
    '{"a":[{"__proto__" : 1}]}',
    '{"\\u005f\\u005Fproto__":1}',
    '{"__pr\\u006Ft\\u006f__":1}',
  ])('is found in %s', text => expect(fault(text)).toBe('proto'));

  it.each([
    '"__proto__"',
    '["__proto__"]',
    '{"a":"__proto__"}',
    '{"a__proto__":1}',
    '{"__proto__a":1}',
    '{"\\\\u005f_proto__":1}',
    '{"a\\"__proto__":1}',
    '{"__PROTO__":1}',
    '{"\\u015f_proto__":1}',
  ])('is not in %s', text => expect(fault(text)).toBeUndefined());
});

describe('a text that is no JSON', () => {
  it.each([
    '',
    '"',
    '"\\',
    '}]',
    '[',
    ':::',
    '"a"b"',
    `"${'x'.repeat(200)}`,
    `"${'x'.repeat(200)}\\`,
    '-',
    '1.',
    '--1e',
  ])('ends the look at it all the same: %s', text => expect(fault(text)).toBeUndefined());
});
