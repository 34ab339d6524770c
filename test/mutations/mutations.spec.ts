import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutationsOf } from './all';

/** Whether each is noticed takes minutes: `npm run test:mutations`. One that changes nothing would be noticed by nobody. */
it.each(Object.entries(mutationsOf))('knows what there is to make wrong of %s', (_port, mutations) => {
  const stale = mutations.filter(({ file, find }) => readFileSync(file, 'utf8').split(find).length !== 2);
  expect(stale.map(({ name }) => name)).toEqual([]);
});
