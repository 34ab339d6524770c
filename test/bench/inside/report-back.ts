import { fork } from 'node:child_process';
import { resolve } from 'node:path';

/**
 * Runs a program of this folder in a process of its own, so that what it measures has a heap of its own. It gets `args` and
 * sends one message, its result.
 */
export function runInside<R>(program: string, args: readonly (string | number)[]): Promise<R> {
  const child = fork(resolve(__dirname, program), args.map(String), {
    execArgv: ['-r', resolve(__dirname, '../../../tools/sources.cjs'), '--max-old-space-size=4096'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((settle, reject) => {
    child.once('message', result => settle(result as R));
    child.once('exit', code => reject(new Error(`${program} ended with exit code ${code} and no result`)));
  });
}
