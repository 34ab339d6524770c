import { expect, it } from 'vitest';
import type { Lifecycle } from '../lifecycle/lifecycle';
import type { Narrator } from '../observability/narrator';
import type { FileContents } from './file-contents.port';
import type { FileRecords } from './file-records';
import { FileUpkeep } from './file-upkeep';

const narrator = { attend: (work: Promise<void>) => work } as unknown as Narrator;

it('removes what has expired, also behind many files that open batches hold', async () => {
  const expired = Array.from({ length: 350 }, (_, at) => `file-${at}`);
  const isHeld = (id: string): boolean => Number(id.slice('file-'.length)) < 150;
  const records = {
    expired: async (limit: number) => expired.slice(0, limit),
    removeFree: async (id: string) => {
      if (isHeld(id)) return 'held';
      expired.splice(expired.indexOf(id), 1);
      return 'removed';
    },
  } as unknown as FileRecords;
  const removed: string[] = [];
  const contents = { remove: async (id: string) => void removed.push(id) } as unknown as FileContents;
  await new FileUpkeep(contents, records, { isReady: true } as Lifecycle, narrator).removeExpired();
  expect(expired.every(isHeld)).toBe(true);
  expect(removed).toHaveLength(200);
});
