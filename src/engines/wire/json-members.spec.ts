import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memberSpans } from './json-members';

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

describe('memberSpans', () => {
  it('finds each member of any object, however it is spaced', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), fc.nat(3), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const spans = memberSpans(text);
        const read = [...(spans ?? [])].map(([name, { valueStart, end }]) => [
          name,
          JSON.parse(text.slice(valueStart, end)) as unknown,
        ]);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect(Object.fromEntries(read)).toEqual(parsed);
      }),
    );
  });

  it('takes what a parser takes, and nothing else', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00e9"',
      '"\\x"',
      '1',
      '-0.5e+3',
      '01',
      '[1,-2.5 ,\n3e1',
      ',0.25]',
      '1.',
      'null',
      'tru',
      ' ',
      '\n',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 9 }), parts => {
        for (const text of [parts.join(''), `{"a":${parts.join('')}}`]) {
          expect(memberSpans(text) !== undefined, text).toBe(isJsonObject(text));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is undefined for what nests deeper than any engine does, at once', () => {
    expect(memberSpans(`{"a":${'['.repeat(1e6)}`)).toBeUndefined();
    expect(memberSpans(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`)).toBeUndefined();
  });
});
