import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/**
 * `node tools/native.mjs`, the first step of `npm run build`: compiles better-sqlite3 12 where this Node needs it (see
 * src/storage/sqlite/file/driver.ts) and it is not there yet. No package runs a script of its own at installation (.npmrc).
 */
const N_API_OF_SHIPPED_BINARY = 10;

if (Number(process.versions.napi) < N_API_OF_SHIPPED_BINARY && !loads()) compile();

function loads() {
  try {
    const Database = createRequire(import.meta.url)('better-sqlite3');
    new Database(':memory:').close();
    return true;
  } catch {
    return false;
  }
}

function compile() {
  process.stdout.write(
    `Compiling better-sqlite3 for Node ${process.versions.node}, once, in a minute or two; Node 22.14 and newer do without.\n`,
  );
  const args = ['rebuild', 'better-sqlite3', '--ignore-scripts=false', '--no-audit', '--no-fund'];
  const { status, error } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status === 0 && loads()) return;
  process.stderr.write(
    `better-sqlite3 could not be compiled${error ? ` (${error.message})` : ''}: run "npm ci", have python3, make and g++; or use Node 22.14 or newer, where nothing is compiled.\n`,
  );
  process.exitCode = 1;
}
