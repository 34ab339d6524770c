import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One system call, on the machine's clock. */
export interface SystemCall {
  readonly name: string;
  /** As strace shows them: descriptors with their files, text with escapes. */
  readonly args: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
}

/** Bytes shown of each text: more than a page and its escapes. */
const SHOWN_BYTES = 20_000;

/** Watches all threads of a process with strace until it is stopped; what it saw is in the order of time. */
export async function watchCalls(
  pid: number,
  folder: string,
  names: readonly string[],
): Promise<() => Promise<SystemCall[]>> {
  const args = [
    '-f',
    '-ff',
    '-ttt',
    '-T',
    '-yy',
    '-s',
    String(SHOWN_BYTES),
    '-e',
    `trace=${names.join()}`,
    '-e',
    'signal=none',
  ];
  const strace = spawn('strace', [...args, '-o', join(folder, 'calls'), '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(strace, 'exit');
  // It says so once it is attached to the threads that there are.
  await Promise.race([
    once(strace.stderr, 'data'),
    exited.then(() => Promise.reject(new Error('strace cannot attach'))),
  ]);
  return async () => {
    strace.kill('SIGINT');
    await exited;
    const files = readdirSync(folder).filter(name => name.startsWith('calls.'));
    return files
      .flatMap(name => parse(readFileSync(join(folder, name), 'latin1')))
      .sort((a, b) => a.startMs - b.startMs);
  };
}

/** Lines of one thread, `1700000000.123456 write(3</a/file>, "text", 4) = 4 <0.000012>`. */
function parse(lines: string): SystemCall[] {
  return lines.split('\n').flatMap(line => {
    const [, start, name = '', args = '', result, seconds] =
      /^(\d+\.\d+) (\w+)\((.*)\) += (-?\d+).*<(\d+\.\d+)>$/.exec(line) ?? [];
    if (name === '') return [];
    const startMs = Number(start) * 1000;
    return [{ name, args, startMs, endMs: startMs + Number(seconds) * 1000, failed: Number(result) < 0 }];
  });
}
