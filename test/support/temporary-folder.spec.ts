import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder';

let folder: TemporaryFolder;
const outer = process.env.TMPDIR;
beforeEach(() => {
  folder = temporaryFolder();
  process.env.TMPDIR = folder.path;
});
afterEach(() => {
  if (outer === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = outer;
  folder.remove();
});

it('goes with the process at the latest', () => {
  const make = `require(${JSON.stringify(join(__dirname, 'temporary-folder.ts'))}).temporaryFolder();`;
  const program = `${make} console.log(require('node:fs').readdirSync(process.env.TMPDIR).join());`;
  const during = execFileSync(process.execPath, ['-r', './tools/sources.cjs', '-e', program], { encoding: 'utf8' });
  expect(during).toContain('orchd-test-');
  expect(readdirSync(folder.path).filter(name => name.startsWith('orchd-test-'))).toEqual([]);
});
