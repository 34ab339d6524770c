import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/temporary-folder';
import { normalPath, openModelFile, removeModelFile, staysBelow } from './model-file';

let folder: TemporaryFolder;
let models: string;
beforeEach(() => {
  folder = temporaryFolder();
  models = join(folder.path, 'models');
  mkdirSync(join(models, 'org'), { recursive: true });
  writeFileSync(join(models, 'org/weights'), 'weights');
  writeFileSync(join(folder.path, 'secret'), 'secret');
  symlinkSync('org/weights', join(models, 'inside'));
  symlinkSync('../secret', join(models, 'outside'));
  symlinkSync('..', join(models, 'up'));
  symlinkSync('loop', join(models, 'loop'));
  execFileSync('mkfifo', [join(models, 'fifo')]);
});
afterEach(() => folder.remove());

const hostile = [
  '../secret',
  'org/../../secret',
  '/etc/hostname',
  'outside',
  'up/secret',
  '',
  '.',
  './',
  '..',
  'org',
  'org/\0',
  'loop',
  'fifo',
];

describe('a model file', () => {
  it.each(hostile)('is neither opened nor removed as %j', async path => {
    expect(await openModelFile(models, path)).toBeUndefined();
    expect(await removeModelFile(models, path)).toBe(false);
    expect(existsSync(join(folder.path, 'secret'))).toBe(true);
    expect(existsSync(join(models, 'org/weights'))).toBe(true);
  });

  it.each(['nothing', 'org/nothing', 'org/weights/more', 'x'.repeat(1000), `${'x/'.repeat(3000)}x`])(
    'is missed without an error (%#)',
    async path => {
      expect(await openModelFile(models, path)).toBeUndefined();
      expect(await removeModelFile(models, path)).toBe(false);
    },
  );

  it('is read over a link that stays inside, which is no reason to remove what it leads to', async () => {
    const file = await openModelFile(models, 'inside');
    expect(await file?.readFile('utf8')).toBe('weights');
    await file?.close();
    expect(await removeModelFile(models, 'inside')).toBe(false);
    expect(await removeModelFile(models, 'org/weights')).toBe(true);
    expect(existsSync(join(models, 'org/weights'))).toBe(false);
  });

  it('has one spelling', () => {
    expect(['a/b', './a//b', 'a/c/../b', 'a/b/'].map(normalPath)).toEqual(Array(4).fill('a/b'));
    expect(['a', 'a/..b', '..a', 'a/./b'].every(staysBelow)).toBe(true);
  });
});
