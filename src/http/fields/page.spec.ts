import { describe, expect, it } from 'vitest';
import { idPattern } from '../../config/parsers';
import { pageOf, placeInTime, timeCursor, timeCursorPattern } from './page';

describe('A page', () => {
  const page = (found: readonly number[], limit: number): ReturnType<typeof pageOf> =>
    pageOf(
      found,
      limit,
      member => member * 10,
      item => `after-${item}`,
    );

  it('names its last member in the cursor when more follows', () => {
    expect(page([1, 2, 3], 2)).toEqual({ items: [10, 20], next_cursor: 'after-20' });
  });

  it.each([[[1, 2]], [[1]], [[]]])('has no cursor when it is the last one, also when it is full: %j', found => {
    expect(page(found, 2)).toEqual({ items: found.map(member => member * 10) });
  });
});

describe('A cursor of a list by time', () => {
  const pattern = timeCursorPattern(idPattern);

  it.each(['a', 'a.b.c', '0', 'x'.repeat(128)])('gives its time and the id %s', id => {
    const cursor = timeCursor(1_795_651_108_060, id);
    expect(cursor).toMatch(pattern);
    expect(placeInTime(cursor)).toEqual({ atMs: 1_795_651_108_060, id });
  });

  it.each(['', '.', '1', '1.', '.a', 'a.b', '-1.a', '1.a b', '1e3.a', `${'1'.repeat(16)}.a`])('is not %j', text => {
    expect(text).not.toMatch(pattern);
  });
});
