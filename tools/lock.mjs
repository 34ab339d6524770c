import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * `node tools/lock.mjs`: brings package-lock.json up to package.json, in a form that npm 10, 11 and 12 all install from and leave as
 * it is. With `--check` it writes nothing and says what is wrong: a lock made where a registry left out the optional packages of
 * other systems fails in `npm ci` on every other machine, or changes there by itself.
 */
const FILE = 'package-lock.json';

const checks = process.argv.includes('--check');
if (!checks) {
  const args = ['install', '--package-lock-only', '--no-audit', '--no-fund'];
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(1);
}
const lock = JSON.parse(readFileSync(FILE, 'utf8'));
if (!checks) {
  for (const [path, entry] of Object.entries(lock.packages)) lock.packages[path] = settled(entry);
  writeFileSync(FILE, `${JSON.stringify(lock, undefined, 2)}\n`);
}
const faults = [...missing(lock.packages), ...unsettled(lock.packages)];
for (const fault of faults) process.stderr.write(`${FILE}: ${fault}\n`);
if (faults.length > 0) {
  process.stderr.write('Run "npm run lock" where the registry shows the packages of all systems.\n');
  process.exitCode = 1;
}

/** In the order in which npm writes it. */
function settled({ libc: _libc, resolved: _resolved, ...entry }) {
  if (!isTakenForScripted(entry)) return entry;
  const { name, version, integrity, ...rest } = entry;
  return { name, version, integrity, hasInstallScript: true, ...rest };
}

/**
 * npm 11 and 12 write which C library a package is for, and npm 10 takes it out again. Where a package came from differs by registry.
 * For better-sqlite3 13 an npm that installs it notes a script, because it has a binding.gyp and though it says that it has none.
 */
function unsettled(packages) {
  return Object.entries(packages)
    .filter(
      ([, entry]) => 'libc' in entry || 'resolved' in entry || (isTakenForScripted(entry) && !entry.hasInstallScript),
    )
    .map(([path]) => `${path} is not in the form that every npm leaves as it is`);
}

function isTakenForScripted({ name }) {
  return name === 'better-sqlite3';
}

/** What a package asks for and the lock does not have, looked up as Node looks modules up. */
function missing(packages) {
  return Object.entries(packages).flatMap(
    ([path, { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }]) => {
      const peers = Object.keys(peerDependencies ?? {}).filter(name => !peerDependenciesMeta?.[name]?.optional);
      const wanted = [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
      return wanted
        .filter(name => !placesOf(path, name).some(place => place in packages))
        .map(name => `${name}, which ${path || 'package.json'} asks for, is missing`);
    },
  );
}

function placesOf(path, name) {
  const folders = path.split('/node_modules/');
  const above = path === '' ? [] : folders.map((_, at) => folders.slice(0, folders.length - at).join('/node_modules/'));
  return [...above, ''].map(folder => `${folder && `${folder}/`}node_modules/${name}`);
}
