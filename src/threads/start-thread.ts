import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Of sources, for the tests. */
const LOADER = join(__dirname, '../../tools/sources.cjs');

/**
 * Starts `<entry>.js` of a folder as a thread. Compiled, it stands there; where TypeScript is run as it is (tests, scripts), the thread
 * needs its loader too.
 */
export function startThread(folder: string, entry: string, options: WorkerOptions = {}): Worker {
  // What the command line gives is for the heap of the main thread, which stands by now; V8 would put it before the limits of a thread.
  setFlagsFromString('--max-semi-space-size=0');
  if (!__filename.endsWith('.ts')) return new Worker(join(folder, `${entry}.js`), options);
  // Loaded here first: the compiler's native part takes the process down when the only thread that has it ends.
  createRequire(__filename)('@swc/core');
  return new Worker(join(folder, `${entry}.ts`), { ...options, execArgv: ['-r', LOADER] });
}
