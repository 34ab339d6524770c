import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileContents } from '../../src/uploads/file-contents.port';

export interface FileContentsSetup {
  readonly contents: FileContents;
  /** Bytes that all files may have together. */
  readonly maxBytes: number;
  /** The same files as another process finds them. */
  readonly reopen: () => Promise<FileContents>;
}

const KIB = 1024;
/** Bytes that are no text. */
const bytes = (count: number): Buffer => randomBytes(count);

async function kept(contents: FileContents, id: string, ...pieces: readonly Buffer[]): Promise<void> {
  const draft = await contents.draft(id);
  for (const piece of pieces) await draft.append(piece);
  await draft.keep();
}

async function whole(contents: FileContents, id: string): Promise<Buffer | undefined> {
  const found = await contents.stream(id);
  return found && buffer(found.content);
}

/** What every keeper of what files hold promises. `maxBytes` is from 4 to 8 MiB. */
export function fileContentsContract(name: string, setUp: () => Promise<FileContentsSetup>): void {
  describe(name, () => {
    let setup: FileContentsSetup;
    let contents: FileContents;
    beforeEach(async () => {
      setup = await setUp();
      ({ contents } = setup);
    });

    it('keeps bytes as they came, in pieces of any length, for other processes too (B-FIL-001)', async () => {
      const pieces = [1, 65_535, 65_537, 3, 300_000, 64 * KIB, 128 * KIB].map(bytes);
      const all = Buffer.concat(pieces);
      await kept(contents, 'file-a', ...pieces);
      for (const one of [contents, await setup.reopen()]) {
        expect(await one.size('file-a')).toBe(all.length);
        expect((await whole(one, 'file-a'))?.equals(all)).toBe(true);
      }
    });

    it('reads from any byte on, up to so many, and nothing past the end', async () => {
      const all = bytes(700_001);
      await kept(contents, 'file-a', all);
      const places = [0, 1, 65_535, 65_471, 65_472, 65_473, 130_944, 131_071, 699_999, 700_000].flatMap(from =>
        [1, 65_536, 65_537, 400_000, 900_000].map(most => [from, most] as const),
      );
      for (const [from, most] of places)
        expect((await contents.read('file-a', from, most)).equals(all.subarray(from, from + most))).toBe(true);
      expect([(await contents.read('file-a', 700_001, 9)).length, (await contents.read('none', 0, 9)).length]).toEqual([
        0, 0,
      ]);
    });

    it('shows nothing of a draft before it is kept, and nothing of one that was dropped', async () => {
      const draft = await contents.draft('file-a');
      await draft.append(bytes(100_000));
      expect([await contents.size('file-a'), (await contents.read('file-a', 0, 9)).length]).toEqual([undefined, 0]);
      expect(await contents.stream('file-a')).toBeUndefined();
      await draft.abandon();
      expect(await contents.size('file-a')).toBeUndefined();
      await kept(contents, 'file-b', bytes(5));
      expect(draft.bytes).toBe(100_000);
      await draft.abandon();
      expect(await contents.size('file-b')).toBe(5);
    });

    it('is full at its bound, drafts among it, and has room again once something goes (B-FIL-003)', async () => {
      const half = setup.maxBytes / 2;
      await kept(contents, 'file-a', bytes(half));
      const draft = await contents.draft('file-b');
      await draft.append(bytes(half - 10));
      await expect(draft.append(bytes(11))).rejects.toMatchObject({ code: 'STORAGE_FULL', details: { field: 'file' } });
      await draft.append(bytes(10));
      const other = await contents.draft('file-c');
      await expect(other.append(bytes(1))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      await other.abandon();
      await draft.abandon();
      await kept(contents, 'file-d', bytes(half));
      await contents.remove('file-a');
      await kept(contents, 'file-e', bytes(half));
    });

    it('adds to the end of a file, which is made by it, whatever the bound', async () => {
      await kept(contents, 'file-a', bytes(setup.maxBytes));
      const pieces = Array.from({ length: 40 }, (_, at) => bytes(at * 3_001 + 1));
      let at = 0;
      for (const piece of pieces) {
        await contents.append('file-out', at, piece);
        at += piece.length;
      }
      const found = await whole(await setup.reopen(), 'file-out');
      expect(found?.equals(Buffer.concat(pieces))).toBe(true);
    });

    it('adds nothing to a file that does not end there', async () => {
      const [first, second] = [bytes(70_000), bytes(10)];
      await contents.append('file-a', 0, first);
      for (const at of [0, 69_999, 70_001])
        await expect(contents.append('file-a', at, second)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      expect((await whole(contents, 'file-a'))?.equals(first)).toBe(true);
    });

    it('cuts files off, and goes on from there', async () => {
      const all = bytes(400_000);
      await contents.append('file-a', 0, all);
      await contents.truncate('file-a', 900_000);
      for (const end of [399_999, 196_608, 196_416, 131_073, 65_471, 7]) {
        await contents.truncate('file-a', end);
        expect((await whole(contents, 'file-a'))?.equals(all.subarray(0, end))).toBe(true);
      }
      await contents.append('file-a', 7, all.subarray(7, 200_000));
      expect((await whole(contents, 'file-a'))?.equals(all.subarray(0, 200_000))).toBe(true);
      await contents.truncate('none', 5);
      expect(await contents.size('none')).toBeUndefined();
    });

    it('removes files for good, for other processes too; one that there is not is no fault', async () => {
      await kept(contents, 'file-a', bytes(300_000));
      await contents.append('file-b', 0, bytes(10));
      const other = await setup.reopen();
      await other.remove('file-a');
      await contents.remove('file-b');
      await contents.remove('none');
      for (const one of [contents, other])
        expect([await one.size('file-a'), await one.size('file-b'), await one.stream('file-a')]).toEqual([
          undefined,
          undefined,
          undefined,
        ]);
    });

    it('streams what there was when it was asked, though more is added meanwhile', async () => {
      const first = bytes(500_000);
      await contents.append('file-a', 0, first);
      const found = await contents.stream('file-a');
      await contents.append('file-a', first.length, bytes(100_000));
      expect(found?.bytes).toBe(first.length);
      expect(found && (await buffer(found.content)).equals(first)).toBe(true);
    });
  });
}
