import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { Module, createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/**
 * Loads a built file as `require` would, with what V8 has made of it in a start before (`<file>.cache`, see tools/code-cache.mjs): half of what a
 * start takes is compiling. A cache that is not there, or is not for this version of V8 and these flags, is as good as none: V8 itself
 * looks, and compiles. Of the file V8 looks at the length only, so one that was changed by hand since counts as without. What comes from a cache
 * has no folder in its name, and a debugger that is there would not find its map.
 */
export function loadCached(file: string): unknown {
  // It is built of ASCII alone, which is read at once in this encoding.
  const source = Module.wrap(readFileSync(file, 'latin1'));
  // A cache holds for the flags of V8 that it was made with, and it was made without this one, which `npm start` gives. V8 has taken it in by
  // now: the heap of this thread stands.
  setFlagsFromString('--max-semi-space-size=0');
  const cachedData = inspectorUrl() === undefined ? cacheOf(file) : undefined;
  const script = new Script(source, { filename: file, columnOffset: -PREFIX.length, cachedData });
  const loaded = new Module(file);
  loaded.filename = file;
  const run = script.runInThisContext() as (...args: readonly unknown[]) => void;
  run(loaded.exports, createRequire(file), loaded, file, dirname(file));
  return loaded.exports;
}

/** Copies of both files may be made in any order. */
const COPYING_MS = 60_000;

const [PREFIX = ''] = Module.wrap('\n').split('\n');

/** Of SHA-256, at the end of a cache: V8 runs what is damaged, as far as it gets. */
const DIGEST_BYTES = 32;

function cacheOf(file: string): Buffer | undefined {
  try {
    if (statSync(`${file}.cache`).mtimeMs < statSync(file).mtimeMs - COPYING_MS) return undefined;
    const bytes = readFileSync(`${file}.cache`);
    const code = bytes.subarray(0, -DIGEST_BYTES);
    const digest = createHash('sha256').update(code).digest();
    return digest.equals(bytes.subarray(-DIGEST_BYTES)) ? code : undefined;
  } catch {
    return undefined;
  }
}
