import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { FolderContents } from '../../storage/contents/folder-contents';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { ResultFile } from './result-file';
import { lineNumberIn, resultText } from './result-line';

const BATCH = 'batch_0123456789abcdef';
let folder: TemporaryFolder;
let contents: FolderContents;
let path: string;

beforeEach(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, 'files'));
  path = join(folder.path, 'files', 'file-a');
  contents = new FolderContents({ dataDir: folder.path, filesMaxBytes: 1e9 } as Config);
  await contents.onModuleInit();
});
afterEach(() => folder.remove());

const text = (line: number, size = 10): string =>
  resultText(BATCH, line, `id-${line}`, `${BATCH}.${line}`, {
    kind: 'answer',
    body: { text: 'x'.repeat(size), usage: { prompt_tokens: line, completion_tokens: 2 } },
  });

async function opened(): Promise<{ file: ResultFile; found: number[] }> {
  const file = new ResultFile(contents, 'file-a', BATCH);
  const found: number[] = [];
  await file.open(line => found.push(line));
  return { file, found };
}

describe('a result file', () => {
  it('says which lines are done, however long they are', async () => {
    const { file } = await opened();
    for (const line of [3, 1, 50_000]) await file.append([text(line, line === 1 ? 900_000 : 10)]);
    const again = await opened();
    expect([again.found, again.file.lines, again.file.bytes]).toEqual([[3, 1, 50_000], 3, file.bytes]);
  });

  it('says what they have used, read again too (B-BAT-007)', async () => {
    const { file } = await opened();
    await file.append([text(3), text(4, 700_000)]);
    await file.append([text(5)]);
    expect(file.usage).toEqual({ input: 12, cached: 0, output: 6, reasoning: 0 });
    expect((await opened()).file.usage).toEqual(file.usage);
  });

  it.each([
    ['a line that was being written', text(9).slice(0, 60)],
    ['the beginning of one', '{'],
    ['zeros, as a loss of power leaves them', '\0\0\0\0\n\0\0'],
    ['a line of another batch', text(9).replace(BATCH.slice(6), 'ffff')],
  ])('is cut off before %s', async (_what, tail) => {
    writeFileSync(path, text(1) + text(2));
    appendFileSync(path, tail);
    const { file, found } = await opened();
    expect([found, file.lines]).toEqual([[1, 2], 2]);
    await file.append([text(3)]);
    expect(readFileSync(path, 'utf8')).toBe(text(1) + text(2) + text(3));
  });

  it('is read from its beginning where reading it failed half way', async () => {
    const before = (await opened()).file;
    for (const line of [1, 2, 3]) await before.append([text(line, 200_000)]);
    const whole = contents.read.bind(contents);
    contents.read = async (id, atByte, most) => {
      if (atByte > 300_000) throw new ServiceError('STORAGE_UNAVAILABLE');
      return whole(id, atByte, most);
    };
    const file = new ResultFile(contents, 'file-a', BATCH);
    await expect(file.open(() => undefined)).rejects.toThrow(ServiceError);
    contents.read = whole;
    await file.open(() => undefined);
    expect([file.lines, file.bytes, file.usage]).toEqual([3, before.bytes, before.usage]);
  });

  it('is as it was after an append that failed half way', async () => {
    const { file } = await opened();
    await file.append([text(1)]);
    const whole = contents.append.bind(contents);
    contents.append = async (id, atByte, piece) => {
      await whole(id, atByte, piece.subarray(0, 20));
      throw new ServiceError('STORAGE_FULL');
    };
    await expect(file.append([text(2)])).rejects.toThrow(ServiceError);
    contents.append = whole;
    await file.append([text(2)]);
    expect(readFileSync(path, 'utf8')).toBe(text(1) + text(2));
  });
});

describe('the id of a result', () => {
  it('tells the number of its line, and nothing else does', () => {
    expect(lineNumberIn(text(17), BATCH)).toBe(17);
    for (const other of ['', '{}', '{"id":"batch_req_17"}', text(17).replace('_17"', '_x"')])
      expect(lineNumberIn(other, BATCH)).toBeUndefined();
  });
});
