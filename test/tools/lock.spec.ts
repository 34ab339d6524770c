import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

const root = resolve(__dirname, '../..');

interface Lock {
  readonly packages: Record<string, Record<string, unknown>>;
}

let folder: TemporaryFolder;
let lock: Lock;
beforeEach(() => {
  folder = temporaryFolder();
  lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
});
afterEach(() => folder.remove());

function check(): { code: number | null; text: string } {
  writeFileSync(join(folder.path, 'package-lock.json'), JSON.stringify(lock));
  const tool = join(root, 'tools/lock.mjs');
  const { status, stderr } = spawnSync(process.execPath, [tool, '--check'], { cwd: folder.path, encoding: 'utf8' });
  return { code: status, text: stderr };
}

describe('the check of the lock', () => {
  it('finds nothing in ours', () => {
    expect(check()).toEqual({ code: 0, text: '' });
  });

  it('names what is missing for another system, and who asks for it', () => {
    delete lock.packages['node_modules/@swc/core-darwin-arm64'];
    const { code, text } = check();
    expect(code).toBe(1);
    expect(text).toContain('@swc/core-darwin-arm64, which node_modules/@swc/core asks for, is missing');
  });

  it('names a direct dependency that is missing', () => {
    delete lock.packages['node_modules/better-sqlite3-13'];
    expect(check().text).toContain('better-sqlite3-13, which package.json asks for, is missing');
  });

  it.each([
    ['a C library', { libc: ['glibc'] }],
    ['where a package came from', { resolved: 'https://registry.example/fastify.tgz' }],
  ])('does not take %s, which not every npm keeps', (_, fields) => {
    Object.assign(lock.packages['node_modules/fastify']!, fields);
    const { code, text } = check();
    expect(code).toBe(1);
    expect(text).toContain('node_modules/fastify is not in the form that every npm leaves as it is');
  });
});
