import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, namesIn, pageOf } from './page';

describe('A page', () => {
  const page = (found: readonly number[], limit: number): ReturnType<typeof pageOf> =>
    pageOf(
      found,
      limit,
      member => member * 10,
      item => [item],
    );

  it('names its last member in the cursor when more follows', () => {
    const { items, next_cursor: cursor } = page([1, 2, 3], 2);
    expect(items).toEqual([10, 20]);
    expect(decodeCursor(cursor)).toEqual([20]);
  });

  it.each([[[1, 2]], [[1]], [[]]])('has no cursor when it is the last one, also when it is full: %j', found => {
    expect(page(found, 2)).toEqual({ items: found.map(member => member * 10) });
  });
});

describe('A cursor of names', () => {
  it('gives its names', () => {
    expect(namesIn(encodeCursor(['gpu', 'r0']), 2)).toEqual(['gpu', 'r0']);
    expect(namesIn(undefined, 2)).toBeUndefined();
  });

  it.each([[[]], [['gpu']], [['gpu', 1]], [['a', 'b', 'c']]])('is not one of another list: %j', parts => {
    expect(() => namesIn(encodeCursor(parts), 2)).toThrow('cursor must be a next_cursor of this list');
  });
});
