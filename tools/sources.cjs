const { transformSync } = require('@swc/core');
const { readFileSync } = require('node:fs');
const { Module } = require('node:module');
const { join } = require('node:path');

/*
 * `node -r ./tools/sources.cjs <file>.ts` runs sources as they are: each is compiled when it is loaded, by the build's compiler, but to CommonJS. Loads nothing but the
 * compiler, for it is loaded in each process of the tests, and in each thread that such a process starts.
 */

const options = { configFile: join(__dirname, '../.swcrc'), sourceMaps: 'inline' };

// Only now: what is loaded before has no maps, and would be looked through for them.
process.setSourceMapsEnabled(true);
Module._extensions['.ts'] = (loaded, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, filename });
  loaded._compile(code, filename);
};
