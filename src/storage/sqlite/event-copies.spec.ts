import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { EventCopies } from './event-copies';

let folder: TemporaryFolder;
let copies: EventCopies;

beforeEach(() => {
  folder = temporaryFolder();
  copies = EventCopies.open(folder.path, () => true);
});
afterEach(() => {
  copies.close();
  folder.remove();
});

function reopened(isWanted: (taskId: string) => boolean = () => true): EventCopies {
  copies.close();
  return (copies = EventCopies.open(folder.path, isWanted));
}

it('puts the runs of a task together again', () => {
  copies.append([
    { taskId: 'a', firstSeq: 1, lines: 's1\nt2\n' },
    { taskId: 'b', firstSeq: 1, lines: 's1\n' },
  ]);
  copies.append([{ taskId: 'a', firstSeq: 3, lines: 't3 \u{1F680}\n' }]);
  expect(copies.read('a')).toBe('s1\nt2\nt3 \u{1F680}\n');
  expect(reopened().read('a')).toBe('s1\nt2\nt3 \u{1F680}\n');
  expect(copies.read('b')).toBe('s1\n');
});

it('ends before a gap', () => {
  copies.append([{ taskId: 'a', firstSeq: 1, lines: 's1\n' }]);
  copies.append([{ taskId: 'a', firstSeq: 3, lines: 't3\n' }]);
  expect(copies.read('a')).toBe('s1\n');
});

it('drops what is not wanted when it is opened', () => {
  copies.append([
    { taskId: 'a', firstSeq: 1, lines: 's1\n' },
    { taskId: 'b', firstSeq: 1, lines: 's1\n' },
  ]);
  expect(reopened(taskId => taskId === 'b').read('a')).toBe('');
  expect(copies.read('b')).toBe('s1\n');
});

it('ends at a torn record, and goes on behind what was whole', () => {
  copies.append([{ taskId: 'a', firstSeq: 1, lines: 's1\n' }]);
  copies.append([{ taskId: 'a', firstSeq: 2, lines: 't2\n' }]);
  const path = join(folder.path, '1.log');
  truncateSync(path, readFileSync(path).length - 2);
  expect(reopened().read('a')).toBe('s1\n');
  copies.append([{ taskId: 'a', firstSeq: 2, lines: 't2 again\n' }]);
  expect(reopened().read('a')).toBe('s1\nt2 again\n');
});

it('does not take what follows a damaged record', () => {
  copies.append([{ taskId: 'a', firstSeq: 1, lines: 's1\n' }]);
  copies.append([{ taskId: 'a', firstSeq: 2, lines: 't2\n' }]);
  const path = join(folder.path, '1.log');
  writeFileSync(path, readFileSync(path).toString('latin1').replace('t2', 't3'), 'latin1');
  appendFileSync(path, 'garbage');
  expect(reopened().read('a')).toBe('s1\n');
});

it('deletes files nobody needs, and moves what one long task needs out of old ones', () => {
  const chunk = `${'x'.repeat(1024 * 1024)}\n`;
  copies.append([{ taskId: 'long', firstSeq: 1, lines: 's1\n' }]);
  for (let i = 1; i <= 100; i++) {
    copies.append([{ taskId: `short-${i}`, firstSeq: 1, lines: chunk }]);
    if (i % 20 === 0) copies.append([{ taskId: 'long', firstSeq: 1 + i / 20, lines: `t${i}\n` }]);
    copies.drop(`short-${i - 3}`);
    copies.sweep();
  }
  expect(readdirSync(folder.path).length).toBeLessThanOrEqual(5);
  const expected = 's1\nt20\nt40\nt60\nt80\nt100\n';
  expect(copies.read('long')).toBe(expected);
  expect(reopened(taskId => taskId === 'long').read('long')).toBe(expected);
  copies.drop('long');
  copies.sweep();
  expect(readdirSync(folder.path)).toEqual([]);
});
