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

  it('refuses what nests too deep or is too large', () => {
    let deep: unknown = 1;
    for (let n = 0; n < 65; n++) deep = [deep];
    expect(() => canonicalDocument(deep)).toThrow('at most 64 levels');
    expect(() => canonicalDocument('x'.repeat(1024 * 1024))).toThrow('at most 1048576 bytes');
    expect(() => canonicalDocument(undefined)).toThrow('must be a JSON document');
  });
});
