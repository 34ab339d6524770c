import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ArtifactInfo } from '../../artifacts/artifact-store.port';
import { NamesByText } from './names-by-text';

/** Two texts that come to the same number, and others. */
const texts = ['costarring', 'liquid', 'altarage', 'zinke', 'a', ''];
const nameOf = (id: string): ArtifactInfo => ({ id, kind: 'document', createdAtMs: 0, storedAtMs: 0, bytes: 0 });

it('finds what was added and not deleted, also where texts come to the same number', () => {
  const step = fc.tuple(fc.boolean(), fc.constantFrom(...texts), fc.nat({ max: 2 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const names = new NamesByText(({ id }) => (id === '' ? undefined : id));
      const pool = new Map(texts.map(text => [text, [nameOf(text), nameOf(text), nameOf(text)]]));
      const held: ArtifactInfo[] = [];
      for (const [adds, text, which] of steps) {
        const name = pool.get(text)?.[which] as ArtifactInfo;
        const place = held.indexOf(name);
        if (adds && place < 0) {
          names.add(name);
          held.push(name);
        } else if (!adds) {
          names.delete(name);
          if (place >= 0) held.splice(place, 1);
        }
      }
      for (const text of texts) {
        const expected = text === '' ? [] : held.filter(({ id }) => id === text);
        expect(names.all(text)).toEqual(expected);
        expect(names.first(text)).toBe(expected[0]);
      }
    }),
  );
});

it('keeps the order of one text when it grows, also where its names stand over the end of the table', () => {
  for (const text of texts) {
    const names = new NamesByText(({ id }) => id);
    const pool = Array.from({ length: 1000 }, (_, n) => ({ ...nameOf(text), bytes: n }));
    for (const name of pool) names.add(name);
    expect(names.all(text)).toEqual(pool);
  }
});

it('keeps all in the order in which they were added when it grows, and while most of it goes again', () => {
  const names = new NamesByText(({ id }) => id);
  const pool = Array.from({ length: 5000 }, (_, n) => ({ ...nameOf(`task-${n % 2500}`), bytes: n }));
  for (const name of pool) names.add(name);
  for (let n = 0; n < 2500; n++) expect(names.all(`task-${n}`)).toEqual([pool[n], pool[n + 2500]]);
  for (const [n, name] of pool.entries()) if (n % 3 > 0) names.delete(name);
  for (let n = 0; n < 2500; n++) {
    const kept = [n, n + 2500].filter(index => index % 3 === 0).map(index => pool[index]);
    expect([names.all(`task-${n}`), names.first(`task-${n}`)]).toEqual([kept, kept[0]]);
  }
  for (const name of pool) names.delete(name);
  expect(pool.every(({ id }) => names.first(id) === undefined)).toBe(true);
});
