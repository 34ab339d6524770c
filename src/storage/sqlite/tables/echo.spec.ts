import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { Echo, ECHO_BYTES, type Change } from './echo';

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
