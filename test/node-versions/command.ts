import { spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';

export interface Command {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where what it prints goes. */
  readonly log: string;
  readonly timeoutMs: number;
}

/** Runs a program to its end, which comes with SIGKILL for all that it started where it takes too long. Resolves with its exit code. */
export async function run(program: string, { args, cwd, env, log, timeoutMs }: Command): Promise<number | null> {
  const output = openSync(log, 'a');
  // A group of its own, so that nothing it started is left.
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', output, output], detached: true });
  closeSync(output);
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  };
  const timer = setTimeout(end, Math.max(0, timeoutMs));
  process.once('exit', end);
  try {
    return await new Promise((resolve, reject) => child.on('error', reject).on('exit', code => resolve(code)));
  } finally {
    clearTimeout(timer);
    process.off('exit', end);
    end();
  }
}
