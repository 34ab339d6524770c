import { expect, it } from 'vitest';
import type { ApiRecords, KeptRecord, RecordPage } from '../../records/api-records.port';
import type { FileContents } from '../../uploads/file-contents.port';
import { contentsOf } from './in-pages';

it('what a batch has written is moved once, though one of its files was made known already when it was stopped', async () => {
  const kept = [
    { kind: 'file', id: 'out', seq: 2, text: '{}', isOpen: false },
    { kind: 'batch', id: 'b', seq: 1, text: '{"outputFileId":"out","errorFileId":"err"}', isOpen: true },
  ] satisfies KeptRecord[];
  const records = {
    list: async ({ kind }: RecordPage) => kept.filter(each => each.kind === kind),
    find: async (kind: string, id: string) => kept.find(each => each.kind === kind && each.id === id),
  } as unknown as ApiRecords;
  const contents = {
    read: async (id: string, at: number) => Buffer.from(at === 0 ? id : ''),
  } as unknown as FileContents;
  const moved: string[] = [];
  for await (const { id, atByte, piece } of contentsOf(records, contents))
    moved.push(`${id} ${atByte} ${piece.toString()}`);
  expect(moved).toEqual(['out 0 out', 'err 0 err']);
});
