import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LAST_RESORT_MS } from '../../../../test/support/deadline';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { Echo, ECHO_BYTES, type Change } from './echo';

/** What is made of a write on libuv's pool; it is carried out where this is not set. */
let onWrite: ((write: () => void, fail: () => void) => void) | undefined;
vi.mock(import('node:fs'), async importOriginal => {
  const fs = await importOriginal();
  const write = (...args: Parameters<typeof fs.write>): void => {
    const done = args.at(-1) as (fault: Error | null) => void;
    const fail = (): void => done(new Error('EIO'));
    if (onWrite) onWrite(() => fs.write(...args), fail);
    else fs.write(...args);
  };
  return { ...fs, write: write as typeof fs.write };
});

let folder: TemporaryFolder;
let path: string;
let echo: Echo;

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'echo');
  echo = Echo.open(path);
});
afterEach(() => {
  echo.close();
  folder.remove();
});

function changes(from: number, to: number): Change[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    number: from + i,
    kind: 'admit',
    subject: `task-${from + i}`,
  }));
}

function reopened(): Echo {
  echo.close();
  return (echo = Echo.open(path));
}

it('gives back what came after a number', () => {
  echo.append(changes(1, 5));
  echo.append([{ number: 6, kind: 'end', subject: 'task-3' }]);
  expect(reopened().readAfter(4)).toEqual([...changes(5, 5), { number: 6, kind: 'end', subject: 'task-3' }]);
  expect(echo.readAfter(6)).toEqual([]);
  expect(echo.lastNumber).toBe(6);
});

it('goes on behind the last change after it was opened again', () => {
  echo.append(changes(1, 3));
  reopened().readAfter(0);
  echo.append(changes(4, 4));
  expect(reopened().readAfter(0)).toEqual(changes(1, 4));
});

it('keeps its size, and the latest changes, however many there are', () => {
  for (let from = 1; from < 100_000; from += 250) echo.append(changes(from, from + 249));
  expect(readFileSync(path)).toHaveLength(ECHO_BYTES);
  const kept = reopened().readAfter(95_000);
  expect(kept).toEqual(changes(95_001, 100_000));
  echo.append(changes(100_001, 100_001));
  expect(reopened().readAfter(99_999)).toEqual(changes(100_000, 100_001));
});

it('leaves out lines that do not add up', () => {
  echo.append(changes(1, 3));
  writeFileSync(path, readFileSync(path).toString('latin1').replace('task-2', 'task-4'), 'latin1');
  expect(reopened().readAfter(0)).toEqual([...changes(1, 1), ...changes(3, 3)]);
});

describe('what is to be appended soon', () => {
  let writes: { readonly goOn: () => void; readonly fail: () => void }[];

  beforeEach(() => {
    writes = [];
    onWrite = (goOn, fail) => void writes.push({ goOn, fail });
  });
  afterEach(() => {
    onWrite = undefined;
  });

  const read = (): readonly Change[] => {
    const other = Echo.open(path);
    try {
      return other.readAfter(0);
    } finally {
      other.close();
    }
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    const untilMs = performance.now() + LAST_RESORT_MS;
    while (!isSo() && performance.now() < untilMs) await immediate();
    expect(isSo()).toBe(true);
  };
  const there = (last: number): Promise<void> => until(() => read().at(-1)?.number === last);

  it('is one write with what comes in the same turn, and what comes while that is under way is the next one', async () => {
    const told: number[] = [];
    void echo.appendSoon(changes(1, 1)).then(() => told.push(1));
    void echo.appendSoon(changes(2, 3)).then(() => told.push(3));
    expect(writes).toHaveLength(0);
    await until(() => writes.length === 1);
    void echo.appendSoon(changes(4, 4)).then(() => told.push(4));
    await immediate();
    await immediate();
    expect([writes.length, told]).toEqual([1, []]);
    writes[0]?.goOn();
    await until(() => writes.length === 2);
    expect(told).toEqual([1, 3]);
    writes[1]?.goOn();
    await until(() => told.length === 3);
    expect(read()).toEqual(changes(1, 4));
  });

  it('comes before what is appended at once later', async () => {
    void echo.appendSoon(changes(1, 2));
    echo.append(changes(3, 3));
    expect(
      readFileSync(path, 'latin1')
        .trim()
        .split('\n')
        .map(line => line.split(' ')[0]),
    ).toEqual(['1', '2', '3']);
    void echo.appendSoon(changes(4, 4));
    await until(() => writes.length === 1);
    writes[0]?.goOn();
    await there(4);
  });

  it('is missing where it could not be written, and nothing else is', async () => {
    void echo.appendSoon(changes(1, 1));
    await until(() => writes.length === 1);
    void echo.appendSoon(changes(2, 2));
    writes[0]?.fail();
    await until(() => writes.length === 2);
    writes[1]?.goOn();
    await there(2);
    expect(read()).toEqual(changes(2, 2));
  });

  it('is there when it is closed, also while a write is under way, and nothing is written afterwards', async () => {
    const open = (): string[] =>
      readdirSync('/proc/self/fd').filter(handle => {
        try {
          return readlinkSync(`/proc/self/fd/${handle}`) === path;
        } catch {
          return false; // The listing itself.
        }
      });
    void echo.appendSoon(changes(1, 1));
    await until(() => writes.length === 1);
    void echo.appendSoon(changes(2, 2));
    echo.close();
    echo.close();
    expect([open().length, read()]).toEqual([1, changes(2, 2)]);
    void echo.appendSoon(changes(3, 3));
    await immediate();
    writes[0]?.goOn();
    await until(() => open().length === 0);
    await immediate();
    expect([writes.length, read()]).toEqual([1, changes(1, 2)]);
    echo = Echo.open(path);
    echo.readAfter(0);
    void echo.appendSoon(changes(3, 3));
    echo.close();
    echo.close();
    void echo.appendSoon(changes(4, 4));
    await immediate();
    expect([open(), read(), writes.length]).toEqual([[], changes(1, 3), 1]);
    echo = Echo.open(path);
    echo.close();
    await echo.appendSoon(changes(4, 4));
    expect(writes).toHaveLength(1);
    echo = Echo.open(path);
  });
});
