import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Of a built file, by the numbers of its lines. */
interface Lines {
  /** Of each line the number of its source in `sources`, from 1, and the line there; both are 0 where it has none. */
  readonly origins: Uint16Array;
  readonly sources: readonly string[];
}

/** By the names of the files that were built. */
const known = new Map<string, Lines>();

/**
 * A stack that names lines of what was built, with the lines of the sources instead. A source map of the whole program takes a third of a
 * second and a hundred megabytes to read, while everything waits; the file that `tools/line-origins.mjs` makes of it is looked up as it is.
 * What was taken from a cache has no folder in its name (see tools/keep-code.cjs).
 */
export function inSources(stack: string): string {
  return stack.replace(
    /(?<=[(\s])((?:\/|[A-Za-z]:\\)[^\n()]*\.js|[\w.]+\.js):(\d{1,7}):\d{1,7}/g,
    (position, file: string, line: string) => {
      const origin = originOf(file, Number(line));
      return origin ?? position;
    },
  );
}

function originOf(file: string, line: number): string | undefined {
  const name = basename(file);
  // What is built stands in the folder of this very file, which is built too.
  if (file !== name && dirname(file) !== __dirname) return undefined;
  const lines = known.get(name) ?? read(name);
  const source = lines?.sources[(lines.origins[2 * line] ?? 0) - 1];
  return source === undefined ? undefined : `${resolve(__dirname, source)}:${lines?.origins[2 * line + 1]}`;
}

/** Undefined where it is not there, or is not what it should be: a log line must not fail for it. */
function read(name: string): Lines | undefined {
  try {
    const bytes = readFileSync(join(__dirname, `${name}.lines`));
    const count = bytes.readUInt32LE(0);
    const origins = Uint16Array.from({ length: 2 * count }, (_, index) => bytes.readUInt16LE(4 + 2 * index));
    const lines = { origins, sources: bytes.toString('utf8', 4 + 4 * count).split('\n') };
    known.set(name, lines);
    return lines;
  } catch {
    return undefined;
  }
}
