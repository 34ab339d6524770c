import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalDocument } from './canonical-json';

describe('canonicalDocument', () => {
  it('has one id for the same content, however it was written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), value => {
        const shuffled = JSON.parse(JSON.stringify(value), (_key, node: unknown) =>
          typeof node === 'object' && node !== null && !Array.isArray(node)
            ? Object.fromEntries(Object.entries(node).reverse())
            : node,
        ) as unknown;
        expect(canonicalDocument(shuffled).id).toBe(canonicalDocument(value).id);
      }),
    );
  });

  it('writes numbers and keys as RFC 8785 has them', () => {
    const value = JSON.parse('{"\\u20ac":1e30,"\\r":4.50,"1":1E-27,"a":[true,-0,333333333.33333329]}') as unknown;
    expect(canonicalDocument(value).json).toBe('{"\\r":4.5,"1":1e-27,"a":[true,0,333333333.3333333],"€":1e+30}');
  });

  it('takes any JSON value', () => {
    for (const value of [null, true, 0, '', [], {}]) expect(canonicalDocument(value).id).toMatch(/^[0-9a-f]{64}$/);
  });

  it('refuses what has no UTF-8, and takes text that only looks like it', () => {
    expect(() => canonicalDocument({ a: '\ud800' })).toThrow('well-formed');
    expect(() => canonicalDocument({ '\udfff': 1 })).toThrow('well-formed');
    expect(canonicalDocument('\\ud800').json).toBe('"\\\\ud800"');
    expect(canonicalDocument('😀').json).toBe('"😀"');
  });

  it('is what the RFC says, in order or not', () => {
    // Keys that look like indexes are enumerated by their number, whatever their order in the RFC.
    const key = fc.oneof(fc.constantFrom('9', '10', '1', 'b', 'a', '€', '\u{1f600}', '\ufb33'), fc.string());
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(key, tie('value')),
        fc.array(tie('value')),
      ),
    }));
    fc.assert(
      fc.property(value, sample => {
        const parsed = JSON.parse(JSON.stringify(sample)) as unknown;
        expect(canonicalDocument(parsed).json).toBe(canonicalize(parsed));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses numbers that are no doubles', () => {
    for (const text of ['1e999', '[-1e999]', '{"b":1,"a":{"c":[1e999]}}']) {
      expect(() => canonicalDocument(JSON.parse(text))).toThrow('within the range of a double');
    }
  });

  it('refuses what nests too deep', () => {
    const nested = (levels: number, inside: unknown): unknown => {
      let value = inside;
      for (let n = 0; n < levels; n++) value = n % 2 ? [value] : { a: value };
      return value;
    };
    for (const inside of [1, 'x']) {
      expect(canonicalDocument(nested(64, inside)).id).toHaveLength(64);
      expect(() => canonicalDocument(nested(65, inside))).toThrow('at most 64 levels');
    }
    expect(() => canonicalDocument(nested(64, []))).toThrow('at most 64 levels');
    expect(() => canonicalDocument(nested(100_000, 1))).toThrow('at most 64 levels');
  });

  it('takes exactly a mebibyte', () => {
    const values = [
      (n: number) => 'x'.repeat(n - 2),
      (n: number) => 'ä'.repeat((n - 2) / 2),
      (n: number) => [...Array<number>(n / 2 - 2).fill(0), 10],
      (n: number) => ({ b: 'x'.repeat(n - 14), a: 1 }),
    ];
    for (const value of values) {
      expect(Buffer.byteLength(canonicalDocument(value(1024 * 1024)).json)).toBe(1024 * 1024);
      expect(() => canonicalDocument(value(1024 * 1024 + 2))).toThrow('at most 1048576 bytes');
    }
    expect(() => canonicalDocument(undefined)).toThrow('must be a JSON document');
  });
});
