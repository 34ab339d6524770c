import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endingOf, factsOf, placement, plainSpec } from '../../../../test/contracts/journal-samples';
import { record } from '../../../../test/support/logged-records';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { files } from '../file/journal-file';
import { LedgerSpace } from '../file/ledger-space';
import { Ledger } from '../ledger';
import { SEGMENT_BYTES } from '../log/commit-segment';
import { encodeRecords, type LoggedRecord } from '../log/commit-log-records';
import { encodeBody } from '../log/logged-body';
import { Echo, type Change } from '../tables/echo';
import type { LoggedWrite, Note, WriteRequest } from '../tables/protocol';
import { encodeAdmission, encodeEnding, encodePlacement, namesTranscript } from '../tables/record-codec';
import { openLedger, type OpenLedger } from './ledger-opening';

let folder: TemporaryFolder;
let told: Note[];
let opening: OpenLedger;
let ledger: Ledger;
let space: LedgerSpace;

beforeEach(() => {
  folder = temporaryFolder();
  told = [];
  open();
});
afterEach(() => {
  close();
  folder.remove();
});

function open(): void {
  told.length = 0;
  opening = openLedger(folder.path, note => told.push(note));
  space = new LedgerSpace(opening.db, folder.path, () => undefined);
  const ignore = (): void => undefined;
  ledger = new Ledger(opening.db, opening.tables, space, opening.echo, [], ignore, ignore);
}

function close(): void {
  if (!opening.db.open) return;
  opening.db.close();
  space.close();
  opening.echo.close();
  opening.lock.close();
}

const path = (name: string): string => join(folder.path, name);
const parts = [files.database, files.wal];

/** What is on the disk of a database now: a loss of power may take it back to this. */
function remember(): void {
  for (const name of parts) copyFileSync(path(name), path(`${name}.then`));
}

/** The process is killed; with a database as it was once, where the power went too. */
function die(lost?: 'power'): void {
  if (lost !== 'power') remember();
  close();
  for (const name of parts) copyFileSync(path(`${name}.then`), path(name));
  rmSync(path(files.walIndex), { force: true });
}

function log(first: number, ...writes: readonly LoggedWrite[]): void {
  const records = writes.map((write, at) => record(first + at, encodeBody(write, write.transcript)));
  store(encodeRecords(records));
}

/** As a file of the log is: of its whole length. */
function store(content: Buffer): void {
  const whole = Buffer.alloc(SEGMENT_BYTES);
  content.copy(whole);
  writeFileSync(path(files.commits[0]), whole);
  writeFileSync(path(files.commits[1]), Buffer.alloc(SEGMENT_BYTES));
}

const admission = (taskId: string, seq: number): WriteRequest => ({
  kind: 'admit',
  task: encodeAdmission(plainSpec(taskId), factsOf(seq)),
});
const mark = (taskId: string): WriteRequest => ({ kind: 'mark', taskId, placement: encodePlacement(placement) });
const ending = (taskId: string): WriteRequest & { kind: 'end' } => ({
  kind: 'end',
  task: encodeEnding(endingOf(taskId)),
});

/** Of an ending that does not name its transcript. */
function unnamed(taskId: string): WriteRequest & { kind: 'end' } {
  const { transcriptArtifactId, ...rest } = endingOf(taskId);
  expect(transcriptArtifactId).toBeDefined();
  return { kind: 'end', task: encodeEnding(rest) };
}

const live = (): string[] => opening.opened.live.map(({ task }) => task[1]).sort();
const rowOf = (taskId: string): Record<string, unknown> | undefined =>
  opening.db.prepare('SELECT state, marked, ending FROM tasks WHERE task_id = ?').get(taskId) as
    Record<string, unknown> | undefined;

it('does what the database lacks, in its order, once', () => {
  expect(ledger.apply(1, [admission('a', 1)])).toBeUndefined();
  log(1, admission('a', 1), admission('b', 2), mark('a'), ending('b'));
  die();
  open();
  expect(live()).toEqual(['a']);
  expect([rowOf('a')?.['marked'], rowOf('b')?.['ending']]).toEqual([1, expect.any(String)]);
  expect(opening.opened).toMatchObject({ lastChange: 4, lastSeq: 2 });
  expect(opening.tables.counters).toMatchObject({ tasks: 2, live: 1 });
  die();
  open();
  expect(opening.opened).toMatchObject({ lastChange: 4, lastSeq: 2 });
  expect([live(), told]).toEqual([['a'], []]);
});

it('does what a log of an earlier build holds, where all of a write is JSON', () => {
  store(encodeRecords([admission('a', 1), mark('a')].map((write, at) => record(1 + at, JSON.stringify(write)))));
  die();
  open();
  expect([live(), rowOf('a')?.['marked'], told]).toEqual([['a'], 1, []]);
});

it('leaves nothing lost of what a loss of power took from a database that was not synced', () => {
  expect(ledger.write([admission('a', 1)])).toEqual([undefined]);
  remember();
  const later = [mark('a'), admission('b', 2), admission('c', 3), ending('c')];
  expect(ledger.apply(2, later)).toBeUndefined();
  log(2, ...later, admission('d', 4));
  die('power');
  open();
  expect(live()).toEqual(['a', 'b', 'd']);
  expect(rowOf('a')?.['marked']).toBe(1);
  expect(told.filter(({ level }) => level === 'fail')).toEqual([]);
});

it('leaves the write-ahead log in its place where that has more than the database alone', () => {
  const usage = { sessionId: 's', tokens: 7, timeMs: 7, cost: 7, turns: 7 };
  expect(ledger.apply(1, [admission('a', 1)])).toBeUndefined();
  // Durable, and has no number.
  expect(ledger.write([{ kind: 'spend', session: usage }])).toEqual([undefined]);
  remember();
  expect(ledger.apply(2, [mark('a')])).toBeUndefined();
  log(1, admission('a', 1), mark('a'));
  die('power');
  open();
  expect(told.filter(({ fields }) => fields.event === 'journal_log_set_aside')).toEqual([]);
  expect(opening.opened.sessions.map(([sessionId]) => sessionId)).toEqual(['s']);
  expect(rowOf('a')?.['marked']).toBe(1);
});

it('names what neither the database nor the log has', () => {
  expect(ledger.write([admission('a', 1)])).toEqual([undefined]);
  remember();
  const later = [mark('a'), admission('b', 2), admission('c', 3)];
  expect(ledger.apply(2, later)).toBeUndefined();
  log(4, admission('c', 3));
  die('power');
  open();
  expect(live()).toEqual(['a', 'c']);
  expect(rowOf('a')?.['marked'], 'it had shown output, so it is not run again').toBe(1);
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ fields: expect.objectContaining({ what: 'lost', ids: ['b'] }) as unknown }),
      expect.objectContaining({ fields: expect.objectContaining({ what: 'unsettled', ids: ['a'] }) as unknown }),
      expect.objectContaining({ fields: { event: 'journal_damaged', missing_writes: 2 } }),
    ]),
  );
  close();
  open();
  expect([live(), told]).toEqual([['a', 'c'], []]);
});

it('says so where the end of the log does not add up', () => {
  const whole = encodeRecords([record(1, encodeBody(admission('a', 1)))]);
  const torn = encodeRecords([record(2, encodeBody(admission('b', 2)))]).fill(0, 100, 108);
  store(Buffer.concat([whole, torn]));
  die();
  open();
  expect(live()).toEqual(['a']);
  expect(told).toMatchObject([{ level: 'warn', fields: { event: 'journal_log_torn', writes: 1 } }]);
});

it('does not seal a damaged task anew', () => {
  expect(ledger.write([admission('a', 1), admission('b', 2)])).toEqual([undefined, undefined]);
  opening.db.prepare("UPDATE tasks SET session_id = 'x' WHERE task_id = 'a'").run();
  log(3, mark('a'), mark('b'));
  die();
  open();
  expect(live()).toEqual(['b']);
  expect(rowOf('a')).toMatchObject({ marked: 0 });
  expect(told).toMatchObject([{ fields: { what: 'live', ids: ['a'] } }]);
});

it('gives the transcripts back of endings that do not name theirs', () => {
  const transcript = { id: 'a'.repeat(64), json: '{"events":[]}' };
  expect(ledger.apply(1, [admission('a', 1), admission('b', 2), ending('b')])).toBeUndefined();
  log(3, { ...unnamed('b'), transcript }, { ...unnamed('a'), transcript });
  die();
  open();
  expect(opening.opened.transcripts).toEqual([{ taskId: 'a', transcript }]);
  expect(namesTranscript(String(rowOf('a')?.['ending']))).toBe(false);
  ledger.write([{ kind: 'transcript', taskId: 'a', artifactId: transcript.id }]);
  die();
  open();
  expect(opening.opened.transcripts).toEqual([]);
});

const as = (number: number, write: LoggedWrite, after = number - 1): LoggedRecord => ({
  ...record(number, encodeBody(write)),
  after,
});
const storeRecords = (...all: readonly LoggedRecord[]): void => store(encodeRecords(all));
/** What the log's own echo says. */
function echoed(...changes: readonly Change[]): void {
  const echo = Echo.open(path(files.logEcho));
  echo.clear();
  echo.append(changes);
  echo.close();
}

it('does nothing that stands behind one that was being written beside it and is not there', () => {
  storeRecords(as(1, admission('a', 1)), as(2, admission('b', 2)), as(4, ending('a'), 2), as(5, ending('b'), 2));
  echoed({ number: 3, kind: 'mark', subject: 'a' }, { number: 4, kind: 'end', subject: 'a' });
  die();
  open();
  expect([live(), opening.opened.lastChange, told]).toEqual([['a', 'b'], 2, []]);
});

it('does what stands behind a gap where a later record says that the missing one was acknowledged, which is told', () => {
  storeRecords(as(1, admission('a', 1)), as(3, admission('c', 3), 1), as(4, admission('d', 4), 3));
  echoed({ number: 2, kind: 'admit', subject: 'b' });
  die();
  open();
  expect(live()).toEqual(['a', 'c', 'd']);
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ fields: expect.objectContaining({ what: 'lost', ids: ['b'] }) as unknown }),
      expect.objectContaining({ fields: { event: 'journal_damaged', missing_writes: 1 } }),
    ]),
  );
});

it('names what was acknowledged by a record that is itself not done', () => {
  // The second is lost; the third was not written, and the fourth, which says so, was never acknowledged.
  storeRecords(as(1, admission('a', 1)), as(4, ending('a'), 2));
  echoed({ number: 2, kind: 'admit', subject: 'b' }, { number: 3, kind: 'mark', subject: 'a' });
  die();
  open();
  expect(live()).toEqual(['a']);
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ fields: expect.objectContaining({ what: 'lost', ids: ['b'] }) as unknown }),
      expect.objectContaining({ fields: { event: 'journal_damaged', missing_writes: 1 } }),
    ]),
  );
  // Its number is not given again.
  expect(opening.opened.lastChange).toBeGreaterThanOrEqual(2);
});

it('does all that is left of a log that shows damage, for what is missing may have been acknowledged', () => {
  const torn = encodeRecords([as(2, mark('a'), 1)]).fill(0, 40, 48);
  store(Buffer.concat([encodeRecords([as(1, admission('a', 1))]), torn, encodeRecords([as(3, ending('a'), 1)])]));
  die();
  open();
  expect([live(), opening.opened.lastChange]).toEqual([[], 3]);
  expect(told).toMatchObject([{ level: 'warn', fields: { event: 'journal_log_torn', writes: 1 } }]);
});

it('does it at no later start either, whatever the database has taken under its number and before', () => {
  const left = [as(1, admission('a', 1)), as(3, ending('a'), 1)];
  storeRecords(...left);
  die();
  open();
  expect(opening.opened.lastChange).toBe(1);
  // The log stays as it is while transcripts are handed on, and everything goes to the database at once.
  for (const [at, write] of [admission('b', 2), admission('c', 3), mark('a')].entries()) {
    expect(ledger.write([write])).toEqual([undefined]);
    die();
    open();
    expect([opening.opened.lastChange, live(), told]).toEqual([
      at + 2,
      ['a', 'b', 'c'].slice(0, Math.min(at + 2, 3)),
      [],
    ]);
  }
  expect(rowOf('a')).toMatchObject({ marked: 1, ending: null });
  // One of the two files was made new.
  store(encodeRecords(left.slice(1)));
  die();
  open();
  expect([opening.opened.lastChange, live(), told]).toEqual([4, ['a', 'b', 'c'], []]);
});
