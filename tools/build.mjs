import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `node tools/build.mjs`: compiles src/ into dist/, unless dist/ was made of the very same files. So scripts that build first can run one
 * after another at no cost, and one beside another without taking the program from under it.
 */
const STAMP = 'dist/.made-of';

const sources = createHash('sha256');
const names = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath ?? entry.path, entry.name));
for (const name of [...names.sort(), '.swcrc', 'nest-cli.json', 'tsconfig.json', 'package-lock.json']) {
  sources.update(`${name}\0`).update(readFileSync(name)).update('\0');
}
const wanted = sources.digest('hex');
if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== wanted) {
  const { status } = spawnSync('npx', ['--no-install', 'nest', 'build'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(1);
  writeFileSync(STAMP, wanted);
}
