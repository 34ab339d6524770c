import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IdFilter } from './id-filter';

it('may have whatever was added, and counts each hash once', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.uuid()), { maxLength: 300 }), ids => {
      const filter = new IdFilter();
      for (const id of ids) filter.add(id);
      for (const id of ids) expect(filter.mayHave(id)).toBe(true);
      expect(filter.size).toBe(new Set(ids.map(id => IdFilter.hashOf(id))).size);
    }),
  );
});

it('keeps all of many, by id or by hash, and takes hardly another one for them', () => {
  const filter = new IdFilter();
  const hashes = new Set<number>();
  for (let number = 0; number < 100_000; number++) {
    const id = `task-${number}`;
    hashes.add(IdFilter.hashOf(id));
    if (number % 2 === 0) filter.add(id);
    else filter.addHash(IdFilter.hashOf(id));
  }
  expect(filter.size).toBe(hashes.size);
  let taken = 0;
  for (let number = 0; number < 100_000; number++) {
    if (!filter.mayHave(`task-${number}`)) throw new Error(`task-${number} is missing`);
    if (filter.mayHave(`session-${number}`)) taken++;
  }
  // Expected are 2.3.
  expect(taken).toBeLessThan(30);
});

it('knows hashes that belong at the last place, and go on at the first', () => {
  const filter = new IdFilter();
  const ids = Array.from({ length: 200_000 }, (_, number) => `${number}`);
  const last = ids.filter(id => (IdFilter.hashOf(id) & 1023) === 1023);
  expect(last.length).toBeGreaterThan(20);
  for (const id of last) filter.add(id);
  expect(last.every(id => filter.mayHave(id))).toBe(true);
});

it('knows an id whose checksum is 0', () => {
  const filter = new IdFilter();
  filter.addHash(0);
  expect(filter.size).toBe(1);
  expect(filter.mayHave('')).toBe(true);
  expect(IdFilter.hashOf('')).toBe(1);
  expect(new IdFilter().mayHave('')).toBe(false);
});
