import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventsOf } from '../../../test/contracts/journal-samples';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { TaskEvent } from '../../tasks/task/task';
import { EventCopies } from './event-copies';
import { decodeEvents, encodeRun } from './tables/event-lines';

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

function append(...runs: readonly (readonly [taskId: string, firstSeq: number, events: readonly TaskEvent[]])[]): void {
  copies.append(runs.map(run => encodeRun(...run)).join(''), [...new Set(runs.map(([taskId]) => taskId))]);
}

function events(taskId: string): TaskEvent[] {
  return decodeEvents(copies.read(taskId));
}

const [started, first, second, metrics] = eventsOf(2) as [TaskEvent, TaskEvent, TaskEvent, TaskEvent];

it('puts the runs of a task together again, those of one batch and of several', () => {
  append(['a', 1, [started]], ['b', 1, [started, first]], ['a', 2, [first]]);
  append(['a', 3, [second, metrics]]);
  for (const again of [copies, reopened()]) {
    expect(decodeEvents(again.read('a'))).toEqual([started, first, second, metrics]);
    expect(decodeEvents(again.read('b'))).toEqual([started, first]);
    expect(again.read('c')).toEqual([]);
  }
});

it('ends before a gap', () => {
  append(['a', 1, [started]], ['a', 3, [second]]);
  expect(events('a')).toEqual([started]);
});

it('drops what is not wanted when it is opened', () => {
  append(['a', 1, [started]], ['b', 1, [started]]);
  reopened(taskId => taskId === 'b');
  expect(events('a')).toEqual([]);
  expect(events('b')).toEqual([started]);
});

it('ends at a torn record, and goes on behind what was whole', () => {
  append(['a', 1, [started]]);
  append(['a', 2, [first]]);
  const path = join(folder.path, '1.log');
  truncateSync(path, readFileSync(path).length - 2);
  reopened();
  expect(events('a')).toEqual([started]);
  append(['a', 2, [second]]);
  reopened();
  expect(events('a')).toEqual([started, second]);
});

it('does not take a damaged record, nor what follows it', () => {
  append(['a', 1, [started]]);
  append(['a', 2, [first]]);
  const path = join(folder.path, '1.log');
  writeFileSync(path, readFileSync(path).toString('latin1').replace('"i":0', '"i":7'), 'latin1');
  appendFileSync(path, 'garbage');
  expect(events('a')).toEqual([started]);
  reopened();
  expect(events('a')).toEqual([started]);
});

it('deletes files nobody needs, and moves what one long task needs out of old ones', () => {
  const large: TaskEvent = { type: 'token', data: JSON.stringify({ t: 'x'.repeat(1024 * 1024) }) };
  const expected = [started];
  append(['long', 1, [started]]);
  for (let i = 1; i <= 100; i++) {
    append([`short-${i}`, 1, [large]]);
    if (i % 20 === 0) {
      append(['long', expected.length + 1, [first, metrics]]);
      expected.push(first, metrics);
    }
    copies.drop(`short-${i - 3}`);
    copies.sweep();
  }
  expect(readdirSync(folder.path).length).toBeLessThanOrEqual(5);
  expect(events('long')).toEqual(expected);
  reopened(taskId => taskId === 'long');
  expect(events('long')).toEqual(expected);
  copies.drop('long');
  copies.sweep();
  expect(readdirSync(folder.path)).toEqual([]);
});

it('moves what many tasks need out of old ones, batch by batch', () => {
  const tasks = Array.from({ length: 40 }, (_, n) => `task-${n}`);
  const text = JSON.stringify('x'.repeat(50_000));
  const rounds = 45;
  for (let round = 1; round <= rounds; round++) {
    append(...tasks.map(taskId => [taskId, round, [{ type: 'token', data: text }]] as const));
    if (round === 20) copies.drop('task-0');
    copies.sweep();
  }
  // 90 MB were appended, and the first files have gone.
  expect(readdirSync(folder.path)).not.toContain('1.log');
  for (const taskId of ['task-1', 'task-39']) expect(copies.read(taskId)).toHaveLength(rounds);
  reopened(taskId => taskId === 'task-20');
  expect(copies.read('task-20')).toHaveLength(rounds);
});
