import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { withDeadline, LAST_RESORT_MS } from './deadline';

export interface ChildExit {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  /** What node is started through: a program and its arguments. */
  readonly through?: readonly string[];
  /** Path of the node to start, unless it is the one that runs us. */
  readonly node?: string | undefined;
  /** After `node`. */
  readonly args: readonly string[];
  /** The whole environment: nothing of ours is passed on beside it. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Read by us unless told: a file of ours, or a pipe that nobody reads until {@link Child.readOutput}. */
  readonly output?: number | 'unread';
}

/** Kept of what a child prints, the newest. */
const LINES_KEPT = 100_000;
const SHOWN_ON_FAILURE = 30;
const SHOWN_CHARACTERS = 1000;

/** Children that run, so that none outlives the tests that started it, however those end. */
const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.signal('SIGKILL');
});

/** A node process that was started by a test: what it prints, and its end. */
export class Child {
  readonly pid: number;
  /** Resolves when the process ended and its output was read. */
  readonly exited: Promise<ChildExit>;
  /** Undefined while it runs. */
  exit: ChildExit | undefined;
  private readonly stdout: string[] = [];
  private readonly stderr: string[] = [];
  private unread: Readable | null;
  private readonly watchers = new Set<(line: string | undefined) => void>();

  constructor({ through = [], node = process.execPath, args, env, cwd, output }: ChildOptions) {
    const [program = node, ...rest] = [...through, node, ...args];
    const child = spawn(program, rest, {
      env,
      cwd,
      stdio: ['ignore', typeof output === 'number' ? output : 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw new Error(`node ${args.join(' ')} could not be started`);
    this.pid = child.pid;
    running.add(this);
    collect(child.stderr, line => keep(this.stderr, line));
    this.unread = child.stdout;
    if (output === undefined) this.readOutput();
    child.on('exit', () => this.readOutput());
    this.exited = new Promise(resolve => {
      child.on('close', (code, signal) => {
        running.delete(this);
        this.exit = { code, signal };
        for (const watcher of this.watchers) watcher(undefined);
        resolve(this.exit);
      });
    });
  }

  /** Begins to read standard output, if nobody does yet. */
  readOutput(): void {
    collect(this.unread, line => {
      keep(this.stdout, line);
      for (const watcher of this.watchers) watcher(line);
    });
    this.unread = null;
  }

  /** Lines of standard output so far. */
  get lines(): readonly string[] {
    return this.stdout;
  }

  get errors(): readonly string[] {
    return this.stderr;
  }

  /** Resolves with the first line, past or to come, that `wanted` takes. Rejects at the deadline, or when the child ends. */
  async line(wanted: (line: string) => boolean, deadlineMs: number, what: string): Promise<string> {
    const past = this.stdout.find(wanted);
    if (past !== undefined) return past;
    let watcher: ((line: string | undefined) => void) | undefined;
    const coming = new Promise<string>((resolve, reject) => {
      watcher = line => {
        try {
          if (line === undefined) reject(new Error(`${what}: the process ended first (${this.describe()})`));
          else if (wanted(line)) resolve(line);
        } catch (fault) {
          reject(fault instanceof Error ? fault : new Error(String(fault)));
        }
      };
      if (this.exit) watcher(undefined);
      this.watchers.add(watcher);
    });
    try {
      return await withDeadline(coming, deadlineMs, () => `${what}: it did not print that (${this.describe()})`);
    } finally {
      if (watcher) this.watchers.delete(watcher);
    }
  }

  /** Does nothing once it ended: the process id may be another's by then. */
  signal(signal: NodeJS.Signals): void {
    if (this.exit) return;
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Ends it. One that does not end within the deadline is killed, and that is an error. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = LAST_RESORT_MS): Promise<ChildExit> {
    this.signal(signal);
    // A stopped process takes no signal but SIGKILL until it goes on.
    this.signal('SIGCONT');
    try {
      return await withDeadline(
        this.exited,
        deadlineMs,
        () => `${signal} did not end the process (${this.describe()})`,
      );
    } catch (error) {
      this.signal('SIGKILL');
      await this.exited;
      throw error;
    }
  }

  private describe(): string {
    const { exit } = this;
    const state = exit ? `exit code ${exit.code}, signal ${exit.signal}` : `pid ${this.pid} runs`;
    const last = [...this.stdout.slice(-SHOWN_ON_FAILURE), ...this.stderr.slice(-SHOWN_ON_FAILURE)];
    return `${state}; its last lines:\n${last.map(line => line.slice(0, SHOWN_CHARACTERS)).join('\n')}\n`;
  }
}

function collect(stream: Readable | null, take: (line: string) => void): void {
  if (stream) createInterface({ input: stream, crlfDelay: Infinity }).on('line', take);
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > LINES_KEPT) lines.splice(0, LINES_KEPT / 2);
}
