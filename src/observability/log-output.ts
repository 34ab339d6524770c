import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isatty } from 'node:tty';

/** Characters that may wait while the log takes nothing: some 10,000 lines. What comes beyond is dropped, and counted. */
const WAITING_MAX_UNITS = 4 * 1024 * 1024;
/** Once lines were dropped, so much room must be there before lines are taken again: gaps are few and large. */
const TAKEN_AGAIN_UNITS = WAITING_MAX_UNITS / 2;
const CHUNK_UNITS = 64 * 1024;
/** A reader that is behind is offered more after this; a log that failed is tried again after that. */
const STALLED_RETRY_MS = 20;
const FAILED_RETRY_MS = 1000;
/** How long an exit is held up for lines that are not written yet. */
const FLUSH_MS = 500;
const FLUSH_NOW_MS = 200;
const STALLED = 'stalled';

/** Says in a line of the log's own form how many lines are missing before it, and why. */
export type DropNotice = (lines: number, reason: string) => string;

/**
 * Writes the log where it goes, and lets nothing that happens there hold up the service.
 *
 * A disk that is full, a pipe that nobody reads, a terminal that was stopped: lines wait up to a bound, then they are dropped and
 * counted until there is room, and a line in their place says how many. Pipes, sockets and terminals are written without waiting; a
 * regular file, which may wait for its disk, by a thread. A pipe must never be written by a thread: an exit waits for its threads.
 */
export class LogOutput {
  private waiting: string[] = [];
  private waitingUnits = 0;
  /** Taken from those that wait, and not written yet. */
  private chunk: Buffer = none;
  /** Since when a thread has had a chunk; undefined when none has. */
  private writingSinceMs: number | undefined;
  private next: NodeJS.Immediate | NodeJS.Timeout | undefined;
  /** Why nothing is written at the moment: {@link STALLED}, or the system's code. */
  private fault: string | undefined;
  /** What was dropped since the last notice; undefined while lines are taken. */
  private missing: { lines: number; readonly reason: string } | undefined;
  private readonly drops = new Map<string, number>();

  /** @param byThread whether a write may wait */
  constructor(
    private readonly fd: number,
    private readonly byThread: boolean,
    private readonly notice: DropNotice,
  ) {}

  static standardOutput(notice: DropNotice): LogOutput {
    const isFile = fstatSync(1).isFile();
    return new LogOutput(isFile ? 1 : standardOutputThatNeverWaits(), isFile, notice);
  }

  /** Lines dropped since the start, by reason. */
  get dropped(): ReadonlyMap<string, number> {
    return this.drops;
  }

  /** A thread waits for a disk that does not answer: an exit in order would wait for it too. */
  get isStuck(): boolean {
    return this.writingSinceMs !== undefined && performance.now() - this.writingSinceMs >= FLUSH_MS;
  }

  write(line: string): void {
    if (this.missing !== undefined || this.waitingUnits + line.length > WAITING_MAX_UNITS) return this.drop();
    this.push(line);
    this.arm();
  }

  /** Resolves when all is written, or cannot be, or after {@link FLUSH_MS}. */
  async flush(): Promise<void> {
    this.disarm();
    this.step();
    // From here on, so that a thread which is not through by then is stuck.
    const untilMs = performance.now() + FLUSH_MS;
    while (!this.isEmpty() && !this.hasFailed() && performance.now() < untilMs) await pause(5);
  }

  /** The same at once, for a process that must not go on: nothing else runs meanwhile. */
  flushNow(): void {
    const untilMs = performance.now() + FLUSH_NOW_MS;
    while (this.take()) {
      try {
        this.advance(writeSync(this.fd, this.chunk));
      } catch (cause) {
        if (codeOf(cause) !== 'EAGAIN' || performance.now() > untilMs) return;
        Atomics.wait(sleeper, 0, 0, 5);
      }
    }
  }

  private push(line: string): void {
    this.waiting.push(line);
    this.waitingUnits += line.length;
  }

  private drop(): void {
    const reason = this.fault ?? STALLED;
    this.missing ??= { lines: 0, reason };
    this.missing.lines++;
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
    this.arm();
  }

  /** Whatever is logged in one turn of the event loop is one write. */
  private arm(): void {
    if (!this.next && this.writingSinceMs === undefined) this.next = setImmediate(this.step);
  }

  private retryIn(ms: number): void {
    this.next = setTimeout(this.step, ms).unref();
  }

  private disarm(): void {
    clearImmediate(this.next as NodeJS.Immediate);
    clearTimeout(this.next as NodeJS.Timeout);
    this.next = undefined;
  }

  private readonly step = (): void => {
    this.next = undefined;
    if (this.writingSinceMs !== undefined) return;
    try {
      while (this.take()) {
        if (this.byThread) return this.hand();
        this.advance(writeSync(this.fd, this.chunk));
      }
    } catch (cause) {
      this.fail(cause);
    }
  };

  private hand(): void {
    const { chunk } = this;
    this.chunk = none;
    this.writingSinceMs = performance.now();
    write(this.fd, chunk, (cause, written) => {
      this.writingSinceMs = undefined;
      this.chunk = chunk;
      if (cause) return this.fail(cause);
      this.advance(written);
      this.step();
    });
  }

  private fail(cause: unknown): void {
    const code = codeOf(cause);
    this.fault = code === 'EAGAIN' ? STALLED : code;
    this.retryIn(code === 'EAGAIN' ? STALLED_RETRY_MS : FAILED_RETRY_MS);
  }

  private advance(bytes: number): void {
    this.chunk = this.chunk.subarray(bytes);
    this.fault = undefined;
  }

  /** True when there is something to write, in {@link chunk}. */
  private take(): boolean {
    if (this.chunk.length > 0) return true;
    this.tellMissing();
    let [size, units] = [0, 0];
    while (size < this.waiting.length && units < CHUNK_UNITS) units += (this.waiting[size++] as string).length;
    if (size === 0) return false;
    this.chunk = Buffer.from(this.waiting.splice(0, size).join(''));
    this.waitingUnits -= units;
    return true;
  }

  private tellMissing(): void {
    if (!this.missing || this.waitingUnits > TAKEN_AGAIN_UNITS) return;
    this.push(this.notice(this.missing.lines, this.missing.reason));
    this.missing = undefined;
  }

  private hasFailed(): boolean {
    return this.writingSinceMs === undefined && this.fault !== undefined && this.fault !== STALLED;
  }

  private isEmpty(): boolean {
    return this.writingSinceMs === undefined && this.chunk.length === 0 && this.waiting.length === 0;
  }
}

const none = Buffer.alloc(0);
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * A terminal is opened once more, for whoever else has it must go on waiting for it. Pipes and sockets cannot be opened again by
 * everybody (in a container they are root's): Node makes those not wait as soon as its own stream on them is made.
 */
function standardOutputThatNeverWaits(): number {
  if (!isatty(1)) return process.stdout.fd;
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return 1;
  }
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}
