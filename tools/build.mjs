import { transformSync } from '@swc/core';
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeCodeCache } from './code-cache.mjs';
import { lineOrigins } from './line-origins.mjs';

/**
 * `node tools/build.mjs`: compiles src/ into dist/, unless dist/ was made of the very same files. So scripts that build first can run one
 * after another at no cost, and one beside another without taking the program from under it.
 *
 * Of some two thousand files, own and of packages, a few are made: a file of its own costs a start more than running what is in it.
 * See docs/decisions, "The program is a few files".
 */
const STAMP = 'dist/.made-of';
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

/** SWC compiles, for esbuild emits no metadata of decorators. */
const compiler = {
  name: 'swc',
  setup(steps) {
    steps.onResolve({ filter: /^\.\/program$/ }, () => ({ path: './program.js', external: true }));
    steps.onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const { code } = transformSync(readFileSync(path, 'utf8'), { filename: path, sourceMaps: 'inline' });
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
const wanted = madeOf.digest('hex');
if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== wanted) {
  rmSync('dist', { recursive: true, force: true });
  await bundle();
  for (const name of readdirSync('dist').filter(file => file.endsWith('.js'))) finish(`dist/${name}`);
  await writeCodeCache();
  writeFileSync(STAMP, wanted);
}

async function bundle() {
  const threads = sources.filter(name => name.endsWith('.worker.ts'));
  await build({
    entryPoints: [...ENTRIES, ...threads].map(name => ({ in: name, out: basename(name, '.ts') })),
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    target: 'node20',
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
