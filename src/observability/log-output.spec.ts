import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/deadline';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/temporary-folder';
import { LogOutput } from './log-output';

const LINE = 'x'.repeat(1000);
/** Far more than a pipe and the lines that may wait hold. */
const LINES = 10_000;

let folder: TemporaryFolder;
const handles: number[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  for (const handle of handles.splice(0)) closeSync(handle);
  folder.remove();
});

function handle(path: string, flags: number): number {
  const opened = openSync(path, flags, 0o600);
  handles.push(opened);
  return opened;
}

const outputTo = (fd: number, byThread = false): LogOutput =>
  new LogOutput(fd, byThread, (lines, reason) => `${lines} missing: ${reason}\n`);

function log(output: LogOutput, from: number, to: number): void {
  for (let at = from; at < to; at++) output.write(`${at} ${LINE}\n`);
}

function pipe(): { readonly reader: number; readonly writer: number } {
  const path = join(folder.path, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = handle(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: handle(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

/** What is in the pipe at the moment. */
function drain(reader: number): string {
  const buffer = Buffer.alloc(256 * 1024);
  try {
    return buffer.toString('latin1', 0, readSync(reader, buffer));
  } catch {
    return '';
  }
}

async function drained(reader: number, until: (text: string) => boolean): Promise<string[]> {
  let text = '';
  await eventually(
    async () => (text += drain(reader)),
    () => until(text),
    30_000,
  );
  return text.trimEnd().split('\n');
}

describe('the log on a pipe that nobody reads', () => {
  it('keeps what there is room for, says in its place what is missing, and goes on (B-OBS-025)', async () => {
    const { reader, writer } = pipe();
    const output = outputTo(writer);
    log(output, 0, LINES);
    await output.flush();
    log(output, LINES, 2 * LINES);
    const before = await drained(reader, text => text.includes('missing'));
    output.write('last\n');
    const lines = [...before, ...(await drained(reader, text => text.includes('last')))];
    const gap = lines.findIndex(line => line.includes('missing'));
    const missing = parseInt(lines[gap] ?? '', 10);
    expect(lines[gap]).toBe(`${missing} missing: stalled`);
    expect(lines.slice(0, gap)).toEqual(Array.from({ length: gap }, (_, at) => `${at} ${LINE}`));
    expect(lines.slice(gap + 1)).toEqual(['last']);
    expect([gap + missing, output.dropped.get('stalled')]).toEqual([2 * LINES, missing]);
  });

  it('holds up no exit', async () => {
    const { writer } = pipe();
    const output = outputTo(writer);
    log(output, 0, LINES);
    const fromMs = performance.now();
    await output.flush();
    output.flushNow();
    expect(performance.now() - fromMs).toBeLessThan(30_000);
    expect(output.isStuck).toBe(false);
  });
});

describe.each([
  ['without waiting', false],
  ['by a thread', true],
])('the log on a full disk, written %s (B-OBS-025)', (_, byThread) => {
  it('throws nothing, and counts what it drops by the reason (B-OBS-025)', async () => {
    const output = outputTo(handle('/dev/full', constants.O_WRONLY), byThread);
    log(output, 0, 1);
    await output.flush();
    log(output, 1, LINES);
    const fromMs = performance.now();
    await output.flush();
    output.flushNow();
    expect(performance.now() - fromMs).toBeLessThan(30_000);
    expect(output.dropped.get('ENOSPC')).toBeGreaterThan(LINES / 2);
  });
});

it('writes every line in order to a file, also the last ones of a process that ends at once', async () => {
  const path = join(folder.path, 'log');
  const output = outputTo(handle(path, constants.O_WRONLY | constants.O_CREAT), true);
  log(output, 0, 1000);
  await output.flush();
  log(output, 1000, 2000);
  output.flushNow();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines).toEqual(Array.from({ length: 2000 }, (_, at) => `${at} ${LINE}`));
});

it('takes no line that is larger than all that may wait, and the next one', async () => {
  const path = join(folder.path, 'log');
  const output = outputTo(handle(path, constants.O_WRONLY | constants.O_CREAT), true);
  output.write(LINE.repeat(5000));
  await output.flush();
  output.write('next\n');
  await output.flush();
  expect(readFileSync(path, 'utf8')).toBe('1 missing: stalled\nnext\n');
});
