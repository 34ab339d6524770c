import { expect, it } from 'vitest';
import { growthPercentOf } from './heap-growth';

const MIB = 1024 * 1024;

it.each([
  [10, 300],
  [32, 200],
  [64, 100],
  [128, 50],
  [1000, 40],
])('lets a heap of %i MiB grow by %i %%', (usedMib, percent) => {
  expect(growthPercentOf(usedMib * MIB)).toBe(percent);
});
