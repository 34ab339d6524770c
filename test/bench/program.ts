import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from './work-folder';

export interface ProgramOptions {
  /** After `node`; a program in TypeScript is loaded through swc. Paths are from the root of the project. */
  readonly program: string;
  readonly args?: readonly (string | number)[];
  /** Flags of Node. */
  readonly nodeArgs?: readonly string[];
  /** Loaded before the program; in TypeScript. */
  readonly preload?: string;
  /** The program answers messages; see {@link Program.ask}. */
  readonly isAsked?: boolean;
  /** Settings; of ours only PATH is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log file goes. */
  readonly folder: string;
}

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 15_000;
const POLL_MS = 2;
/** Collecting takes longer, and a log may be long by then. */
const HEAP_POLL_MS = 100;
const SHOWN_CHARACTERS = 2000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

let started = 0;

/** A server that is measured. It logs to a file, so that nobody spends time on reading what it says. */
export class Program {
  private heapAnswers = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly logFile: string,
    readonly pid: number,
    readonly port: number,
    /** From the start of the process to the line with `listening`. */
    readonly startMs: number,
  ) {}

  /** Resolves once the log says `listening`. Rejects with the log where it does not come to that. */
  static async start({
    program,
    args = [],
    nodeArgs = [],
    preload,
    isAsked,
    env = {},
    folder,
  }: ProgramOptions): Promise<Program> {
    const logFile = join(folder, `${++started}.log`);
    const log = openSync(logFile, 'a');
    const loader = program.endsWith('.ts') || preload !== undefined ? ['-r', resolve(root, 'tools/sources.cjs')] : [];
    if (preload !== undefined) loader.push('-r', resolve(root, preload));
    const startMs = performance.now();
    const child = spawn(process.execPath, [...nodeArgs, ...loader, resolve(root, program), ...args.map(String)], {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
      stdio: ['ignore', log, log, ...(isAsked ? (['ipc'] as const) : [])],
    });
    closeSync(log);
    running.add(child);
    child.once('exit', () => running.delete(child));
    for (;;) {
      const url = listeningUrl(readFileSync(logFile, 'utf8'));
      const tookMs = performance.now() - startMs;
      if (url) return new Program(child, logFile, child.pid as number, Number(url.port), tookMs);
      if (child.exitCode !== null || tookMs > START_DEADLINE_MS) {
        child.kill('SIGKILL');
        throw new Error(`${program} did not start:\n${endOf(logFile)}`);
      }
      await pause(POLL_MS);
    }
  }

  /** One question at a time, each of which is answered by one message. */
  ask<R>(question: object): Promise<R> {
    return new Promise((settle, reject) => {
      const ended = () => reject(new Error(`process ${this.pid} ended before it answered:\n${endOf(this.logFile)}`));
      this.child.once('exit', ended);
      this.child.once('message', answer => {
        this.child.off('exit', ended);
        settle(answer as R);
      });
      this.child.send(question);
    });
  }

  /** KiB in use after a collection of garbage; of a program with inside/memory-on-signal.ts before it. */
  async heapKib(): Promise<number> {
    const wanted = `{"event":"memory","answer":${++this.heapAnswers},`;
    this.child.kill('SIGUSR2');
    for (let waitedMs = 0; waitedMs < START_DEADLINE_MS; waitedMs += HEAP_POLL_MS) {
      await pause(HEAP_POLL_MS);
      const line = readFileSync(this.logFile, 'utf8')
        .split('\n')
        .find(text => text.startsWith(wanted) && text.endsWith('}'));
      if (line !== undefined) return (JSON.parse(line) as { heapBytes: number }).heapBytes / 1024;
    }
    throw new Error(`process ${this.pid} did not tell its memory:\n${endOf(this.logFile)}`);
  }

  /** Ends it in order; one that takes too long is killed, and that is an error. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) {
      // Not thrown: whatever failed because of it is on its way up already, and this is the reason.
      process.stderr.write(`${child.spawnargs.at(-1)} ended by itself:\n${endOf(this.logFile)}\n`);
      process.exitCode = 1;
      return;
    }
    const exited = new Promise<boolean>(settle => child.once('exit', () => settle(true)));
    child.kill(signal);
    const deadline = new AbortController();
    const late = pause(STOP_DEADLINE_MS, false, { signal: deadline.signal }).catch(() => false);
    const inTime = await Promise.race([exited, late]);
    deadline.abort();
    if (inTime) return;
    child.kill('SIGKILL');
    throw new Error(`process ${this.pid} did not end after ${signal}`);
  }
}

function endOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-SHOWN_CHARACTERS);
}

/** The first line `{"event":"listening","url":…}`. */
function listeningUrl(log: string): URL | undefined {
  const line = log.split('\n').find(text => text.includes('"event":"listening"') && text.endsWith('}'));
  return line === undefined ? undefined : new URL((JSON.parse(line) as { url: string }).url);
}
