import { spawn } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '../support/temporary-folder';
import { mutationsOf } from './all';
import type { Mutation } from './mutation';

/**
 * Makes drivers wrong on purpose, one step at a time, and sees whether the contract of their port notices: in a copy of the project.
 *
 * Usage: npm run test:mutations -- [port…] [--verbose]
 */

/** A driver that hangs is noticed too. */
const MAX_RUN_MS = 120_000;
const root = resolve(__dirname, '../..');

type Verdict = 'caught' | 'survived' | 'does not apply';

const { values, positionals } = parseArgs({
  options: { verbose: { type: 'boolean', default: false } },
  allowPositionals: true,
});

async function main(): Promise<void> {
  const unknown = positionals.find(name => !(name in mutationsOf));
  if (unknown !== undefined) throw new Error(`there is no port "${unknown}": ${Object.keys(mutationsOf).join(', ')}`);
  const folder = temporaryFolder();
  try {
    for (const name of ['src', 'test', 'tools', '.swcrc', 'vitest.config.ts', 'package.json', 'tsconfig.json'])
      cpSync(join(root, name), join(folder.path, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder.path, 'node_modules'));
    let missed = 0;
    for (const [port, mutations] of Object.entries(mutationsOf)) {
      if (positionals.length > 0 && !positionals.includes(port)) continue;
      const survivors: string[] = [];
      for (const mutation of mutations) {
        const verdict = await judge(mutation, folder.path);
        if (verdict !== 'caught') survivors.push(`${mutation.name}: ${verdict}`);
        if (values.verbose) console.log(`${port}: ${mutation.name}: ${verdict}`);
      }
      missed += survivors.length;
      console.log(`${port}: ${mutations.length - survivors.length} of ${mutations.length} wrong drivers were noticed`);
      for (const survivor of survivors) console.log(`  ${survivor}`);
    }
    process.exitCode = missed > 0 ? 1 : 0;
  } finally {
    folder.remove();
  }
}

async function judge({ file, find, replace, specs }: Mutation, folder: string): Promise<Verdict> {
  const path = join(folder, file);
  const sound = readFileSync(path, 'utf8');
  if (!sound.includes(find)) return 'does not apply';
  writeFileSync(
    path,
    sound.replace(find, () => replace),
  );
  try {
    return (await passes(specs, folder)) ? 'survived' : 'caught';
  } finally {
    writeFileSync(path, sound);
  }
}

function passes(specs: readonly string[], folder: string): Promise<boolean> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', ...specs, '--bail', '1', '--testTimeout', '20000', '--reporter', 'dot'];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), MAX_RUN_MS);
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      clearTimeout(timer);
      done(code === 0);
    });
  });
}

void main();
