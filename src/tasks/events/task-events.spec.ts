import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from './task-events';

const anything = fc.object({
  key: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('10', '9', '1a', 'a', 'a_b', 'B', '__proto__', 'toJSON'),
  ),
  values: [
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, undefined, '\ud800', '\u2028'),
  ],
});

it('is what the library of RFC 8785 makes of it, whatever it is', () => {
  fc.assert(
    fc.property(anything, value => {
      expect(canonicalJson(value)).toBe(canonicalize(value));
    }),
  );
});

it('refuses what JSON has no number for', () => {
  expect(() => canonicalJson({ a: [Infinity] })).toThrow();
  expect(() => canonicalJson({ a: NaN })).toThrow();
});
