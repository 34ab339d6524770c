import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { filesOf, readBounded, removeDurably, writeAtomically } from './atomic-file';
import { syncFolder } from './folder-sync';
import { storageError } from './storage-error';

let folder: TemporaryFolder;
beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => folder.remove());

const at = (name: string): string => join(folder.path, name);

describe('writeAtomically', () => {
  it('leaves one whole file of many that are written at once, and nothing else', async () => {
    const contents = Array.from({ length: 50 }, (_, n) => String(n).repeat(10_000));
    await Promise.all(contents.map(content => writeAtomically(at('file'), content)));
    expect(contents).toContain(readFileSync(at('file'), 'utf8'));
    expect(readdirSync(folder.path)).toEqual(['file']);
  });

  it('leaves what was there when it fails, and no temporary file', async () => {
    mkdirSync(at('taken'));
    writeFileSync(at('taken/inside'), '');
    await expect(writeAtomically(at('taken'), 'x')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(readdirSync(folder.path)).toEqual(['taken']);
    await expect(writeAtomically(at('missing/file'), 'x')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });
});

describe('the files of a folder', () => {
  it('are regular ones, and what a killed write has left is removed', async () => {
    writeFileSync(at('.tmp-0123'), 'half');
    writeFileSync(at('whole'), 'whole');
    symlinkSync('whole', at('link'));
    mkdirSync(at('sub'));
    expect(await filesOf(folder.path)).toEqual(['whole']);
    expect(readdirSync(folder.path).sort()).toEqual(['link', 'sub', 'whole']);
  });

  it('can be removed for good, and those that are gone already are passed over', async () => {
    for (const name of ['one', 'two']) writeFileSync(at(name), 'content');
    await removeDurably(folder.path, ['one', 'nothing']);
    expect(readdirSync(folder.path)).toEqual(['two']);
  });
});

describe('readBounded', () => {
  it('reads regular files up to the bound and nothing else', async () => {
    writeFileSync(at('file'), '12345');
    symlinkSync('file', at('link'));
    execFileSync('mkfifo', [at('fifo')]);
    expect((await readBounded(at('file'), 5))?.bytes?.toString()).toBe('12345');
    expect(await readBounded(at('file'), 4)).toEqual({ bytes: undefined, reason: 'it has more than 4 bytes' });
    expect(await readBounded(at('link'), 5)).toEqual({ bytes: undefined, reason: 'it is a symbolic link' });
    expect(await readBounded(at('fifo'), 5)).toEqual({ bytes: undefined, reason: 'it is not a regular file' });
    expect(await readBounded(at('nothing'), 5)).toBeUndefined();
  });
});

describe('syncFolder', () => {
  it('serves all who come while one runs by one more, and fails for each of them alone', async () => {
    const first = syncFolder(folder.path);
    const [second, third] = [syncFolder(folder.path), syncFolder(folder.path)];
    expect(third).toBe(second);
    expect(second).not.toBe(first);
    await Promise.all([first, second, third]);
    await expect(syncFolder(at('nothing'))).rejects.toThrow('ENOENT');
    await expect(syncFolder(folder.path)).resolves.toBeUndefined();
  });
});

describe('storageError', () => {
  const failure = (code: string): Error => Object.assign(new Error(`${code}: /a/path`), { code, syscall: 'write' });

  it.each([
    ['ENOSPC', 'STORAGE_FULL', 507],
    ['EDQUOT', 'STORAGE_FULL', 507],
    ['EROFS', 'STORAGE_UNAVAILABLE', 503],
    ['EACCES', 'STORAGE_UNAVAILABLE', 503],
    ['EIO', 'STORAGE_UNAVAILABLE', 503],
  ])('%s is %s, with the path in the cause alone', (code, expected, status) => {
    const cause = failure(code);
    const error = storageError(cause);
    expect(error).toMatchObject({ code: expected, status, cause });
    expect((error as Error).message).not.toContain('/a/path');
  });

  it('takes no fault of ours for one of the disk', () => {
    const fault = new TypeError('undefined is not a function');
    expect(storageError(fault)).toBe(fault);
  });
});
