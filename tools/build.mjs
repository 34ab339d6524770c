import { transformSync } from '@swc/core';
import { build } from 'esbuild';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeCodeCache } from './code-cache.mjs';
import { lineOrigins } from './line-origins.mjs';

/**
 * `node tools/build.mjs`: compiles src/ into dist/, unless dist/ was made of the very same files, by the same Node. So scripts that build first
 * can run one after another at no cost, and one beside another without taking the program from under it. What is made takes the place of
 * dist/ when it is whole: a build that is killed changes nothing, and of two at once the later one stays.
 *
 * Of some two thousand files, own and of packages, a few are made: a file of its own costs a start more than running what is in it.
 * See docs/decisions, "The program is a few files".
 */
const STAMP = '.made-of';
/** Folders in the making: `dist-`, and something that no other build has. What a build that was killed has left is removed after a while. */
const MAKING = /^dist-[\da-f-]{36}/;
const MAKING_MAX_MS = 600_000;
const TOOLS = ['build.mjs', 'line-origins.mjs', 'code-cache.mjs', 'keep-code.cjs'].map(name => `tools/${name}`);

/** `main` and, in a file of their own, what it loads and what runs in threads: each finds the others in its own folder. */
const ENTRIES = ['src/main.ts', 'src/program.ts'];

/**
 * Stays in node_modules: what only some starts or requests load, what is native, and what packages look for and we do not have. Of what
 * is bundled nothing may load a package that is also in here and keeps state, or there would be two of it.
 */
const LEFT_OUT = [
  ...['better-sqlite3', 'better-sqlite3-13', '@redis/client', 'swagger-ui-dist', '@swc/core'],
  ...['@nestjs/microservices', '@nestjs/websockets', '@nestjs/platform-express', '@fastify/view'],
  'class-transformer/storage',
];

/**
 * SWC compiles, for esbuild emits no metadata of decorators. It leaves modules as they are: esbuild then puts what they have into one scope, where
 * nothing is looked up in another module's exports at each use. And it leaves classes as they are declared: of `let Task = class Task`
 * esbuild would make a class of the name `Task2`.
 */
const asModules = { module: { type: 'es6' }, jsc: { keepClassNames: false } };
const compiler = {
  name: 'swc',
  setup(steps) {
    steps.onResolve({ filter: /^\.\/program$/ }, () => ({ path: './program.js', external: true }));
    steps.onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const { code } = transformSync(readFileSync(path, 'utf8'), {
        ...asModules,
        filename: path,
        sourceMaps: 'inline',
      });
      return { contents: code, loader: 'js' };
    });
  },
};

const sources = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath ?? entry.path, entry.name))
  .sort();

const madeOf = createHash('sha256');
for (const name of [...sources, '.swcrc', 'package.json', 'package-lock.json', ...TOOLS])
  madeOf.update(`${name}\0`).update(readFileSync(name)).update('\0');
madeOf.update(`${process.version} ${process.arch}`);
const wanted = madeOf.digest('hex');
if (!existsSync(`dist/${STAMP}`) || readFileSync(`dist/${STAMP}`, 'utf8') !== wanted) {
  removeLeft();
  const folder = `dist-${randomUUID()}`;
  mkdirSync(folder);
  try {
    await bundle(folder);
    for (const name of readdirSync(folder).filter(file => file.endsWith('.js'))) finish(`${folder}/${name}`);
    await writeCodeCache(folder);
    writeFileSync(`${folder}/${STAMP}`, wanted);
    putInPlace(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function removeLeft() {
  for (const name of readdirSync('.').filter(file => MAKING.test(file))) {
    const since = statSync(name, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (Date.now() - since > MAKING_MAX_MS) rmSync(name, { recursive: true, force: true });
  }
}

function putInPlace(folder) {
  const former = `${folder}-former`;
  do {
    // Some file systems of containers rename no folder of an image.
    if (!renamed('dist', former, 'ENOENT', 'EXDEV')) rmSync('dist', { recursive: true, force: true });
    rmSync(former, { recursive: true, force: true });
    // Where another build was there in between, its folder is in the way.
  } while (!renamed(folder, 'dist', 'ENOTEMPTY', 'EEXIST'));
}

/** False where it failed for one of these reasons. */
function renamed(from, to, ...expected) {
  try {
    renameSync(from, to);
    return true;
  } catch (fault) {
    if (!expected.includes(fault.code)) throw fault;
    return false;
  }
}

async function bundle(folder) {
  const threads = sources.filter(name => name.endsWith('.worker.ts'));
  await build({
    entryPoints: [...ENTRIES, ...threads].map(name => ({ in: name, out: basename(name, '.ts') })),
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    // `import()` becomes `require`: the program, which is run from its code cache (src/cached-file.ts), cannot import.
    supported: { 'dynamic-import': false },
    format: 'cjs',
    external: LEFT_OUT,
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [compiler],
  });
}

function finish(file) {
  // In expressions esbuild leaves letters as they are: V8 would keep all of the file in twice the memory.
  const inAscii = readFileSync(file, 'utf8').replace(
    /[^\0-\x7f]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  writeFileSync(file, inAscii);
  writeFileSync(`${file}.lines`, lineOrigins(JSON.parse(readFileSync(`${file}.map`, 'utf8'))));
}
