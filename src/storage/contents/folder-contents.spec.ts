import { afterEach, expect, it } from 'vitest';
import { fileContentsContract } from '../../../test/contracts/file-contents.contract';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { Config } from '../../config/config';
import { FolderContents } from './folder-contents';

const MAX_BYTES = 4 * 1024 * 1024;
const folders: TemporaryFolder[] = [];

afterEach(() => folders.splice(0).forEach(folder => folder.remove()));

async function opened(): Promise<{ contents: FolderContents; reopen: () => Promise<FolderContents> }> {
  const folder = temporaryFolder();
  folders.push(folder);
  const reopen = async (): Promise<FolderContents> => {
    const contents = new FolderContents({ dataDir: folder.path, filesMaxBytes: MAX_BYTES } as Config);
    await contents.onModuleInit();
    return contents;
  };
  return { contents: await reopen(), reopen };
}

fileContentsContract('FolderContents', async () => ({ ...(await opened()), maxBytes: MAX_BYTES }));

it('finds after a start what was kept, and nothing of a draft that a process has left (B-FIL-004)', async () => {
  const { contents, reopen } = await opened();
  await contents.append('file-a', 0, Buffer.from('kept'));
  await (await contents.draft('file-b')).append(Buffer.from('left'));
  expect(await (await reopen()).ids()).toEqual(['file-a']);
});
