import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Utf8Decoder } from './utf8-decoder';
import { anyCuts, cutAt } from '../../../test/wire/any-answer';

it('reads UTF-8 as it is read whole, wherever it is cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), anyCuts, (whole, cuts) => {
      const decoder = new Utf8Decoder();
      // In a buffer that others share.
      const text = cutAt(new TextEncoder().encode(whole), cuts).map(piece =>
        decoder.textOf(Buffer.concat([Buffer.from('\xc3'), piece, Buffer.from('x')]), 2, 2 + piece.length),
      );
      expect(text.join('')).toBe(whole);
    }),
  );
});
