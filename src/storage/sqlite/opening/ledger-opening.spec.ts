import { copyFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endingOf, factsOf, fullSpec, placement, plainSpec } from '../../../../test/contracts/journal-samples';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { openDatabase } from '../file/driver';
import { Ledger } from '../ledger';
import { openLedger, type OpenLedger } from './ledger-opening';
import { LedgerSpace } from '../file/ledger-space';
import type { Note, WriteRequest } from '../tables/protocol';
import { migrate, stepsUpTo } from '../tables/migrations';
import { JournalReader } from '../tables/journal-reader';
import { decodeBinding, decodeRecord, encodeAdmission, encodeEnding, encodePlacement } from '../tables/record-codec';
import { checksumOf, sealed, type TaskRow } from '../tables/rows';

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

/** Without a checkpoint: as a killed process leaves it. */
function leave(): void {
  for (const name of ['journal.db', 'journal.db-wal']) copyFileSync(path(name), path(`${name}.left`));
  close();
  for (const name of ['journal.db', 'journal.db-wal']) copyFileSync(path(`${name}.left`), path(name));
}

function close(): void {
  if (!opening.db.open) return;
  opening.db.close();
  space.close();
  opening.echo.close();
  opening.lock.close();
}

function path(name: string): string {
  return join(folder.path, name);
}

/** One transaction. */
function write(...requests: WriteRequest[]): void {
  expect(ledger.write(requests)).toEqual(requests.map(() => undefined));
}

function admission(taskId: string, seq: number): WriteRequest {
  return { kind: 'admit', task: encodeAdmission(plainSpec(taskId), factsOf(seq)) };
}

function mark(taskId: string): WriteRequest {
  return { kind: 'mark', taskId, placement: encodePlacement(placement) };
}

function ending(taskId: string): WriteRequest {
  return { kind: 'end', task: encodeEnding(endingOf(taskId)) };
}

/** Ids in what was told, by what became of them. */
function named(): Record<string, unknown> {
  return Object.fromEntries(
    told.map(({ fields: { what, event, ids } }) => [typeof what === 'string' ? what : event, ids]),
  );
}

function liveIds(): string[] {
  return opening.opened.live.map(({ task }) => task[1]);
}

/** Changes text where it stands in a file, as a flipped bit would. */
function corrupt(name: string, from: string, to: string): void {
  const bytes = readFileSync(path(name)).toString('latin1');
  expect(bytes).toContain(from);
  writeFileSync(path(name), bytes.replaceAll(from, to), 'latin1');
}

describe('a journal that is whole', () => {
  it('is opened without a word, also as a killed process leaves it', () => {
    write(admission('a', 1), admission('b', 2), mark('a'));
    leave();
    open();
    expect(liveIds()).toEqual(['a', 'b']);
    expect(told).toEqual([]);
  });
});

describe('a damaged record', () => {
  it('of a live task is named; the task ends as failed and is not run', () => {
    write(admission('whole', 1), admission('hurt', 2));
    close();
    corrupt('journal.db', 'Prompt of hurt', 'Prompt of hxrt');
    open();
    expect(named()).toMatchObject({ live: ['hurt'] });
    expect(liveIds()).toEqual(['whole']);
    const [state, ended] = opening.db.prepare("SELECT state, ending FROM tasks WHERE task_id = 'hurt'").raw().get() as [
      number,
      string,
    ];
    expect([state, ended]).toEqual([3, expect.stringContaining('INTERNAL')]);
    close();
    open();
    expect(told).toEqual([]);
  });

  it('of an ended task is named at each start', () => {
    write(admission('hurt', 1), ending('hurt'));
    close();
    corrupt('journal.db', 'correlation-of-hurt', 'correlation-of-hxrt');
    for (let start = 0; start < 2; start++) {
      open();
      expect(named()).toEqual({ ended: ['hurt'] });
      close();
    }
    open();
  });

  it('of a session, a binding, a drain or a note is named and forgotten', () => {
    const usage = { sessionId: 'spender', tokens: 1, timeMs: 2, cost: 3, turns: 4 };
    const binding = { poolId: 'p', replicaId: 'r', engine: 'llamacpp', url: 'http://127.0.0.1:1', source: 'worker' };
    write(
      admission('a', 1),
      { kind: 'end', task: encodeEnding(endingOf('a')), session: usage },
      { kind: 'bind', binding },
      { kind: 'drain', drain: { poolId: 'd', deadlineMs: 1, deadlineAtMs: 2 } },
      { kind: 'note', name: 'n', text: 'one' },
    );
    opening.db.exec(
      "UPDATE sessions SET turns = 5; UPDATE bindings SET source = 'config'; UPDATE drains SET deadline_at = 3; UPDATE notes SET text = 'two'",
    );
    close();
    open();
    expect(named()).toMatchObject({ sessions: ['spender'], bindings: ['p/r'], drains: ['d'], notes: ['n'] });
    expect(opening.opened).toMatchObject({ sessions: [], bindings: [], drains: [], notes: [] });
  });
});

describe('a journal of the first version', () => {
  const row = (replicaId: string) => ['p', replicaId, 'llamacpp', 'http://127.0.0.1:1', 'worker'] as const;

  function makeFirstVersion(): void {
    write(admission('a', 1));
    close();
    for (const name of ['journal.db', 'journal.db-wal', 'journal.db-shm']) rmSync(path(name), { force: true });
    const db = openDatabase(path('journal.db'));
    migrate(db, stepsUpTo(1));
    const insert = db.prepare('INSERT INTO bindings VALUES (?,?,?,?,?,?)');
    insert.run(...row('whole'), checksumOf(row('whole')));
    insert.run(...row('hurt'), 1);
    db.close();
    rmSync(path('journal.echo'), { force: true });
  }

  it.each([
    ['when it is opened', () => undefined],
    ['when it is rebuilt', () => writeFileSync(path('journal.salvage'), '')],
  ])('keeps its bindings %s, and damage to one is not hidden by it', (_, prepare) => {
    makeFirstVersion();
    prepare();
    open();
    expect(opening.opened.bindings.map(decodeBinding)).toEqual([
      { poolId: 'p', replicaId: 'whole', engine: 'llamacpp', url: 'http://127.0.0.1:1', source: 'worker' },
    ]);
    expect(opening.db.pragma('user_version', { simple: true })).toBe(8);
    close();
    open();
    expect(told).toEqual([]);
  });
});

it('keeps all of a binding (B-STO-003)', () => {
  const binding = { poolId: 'p', replicaId: 'r', engine: 'vllm', url: 'http://127.0.0.1:1', source: 'worker' };
  const whole = { ...binding, ttlMs: 60_000, apiKeyFile: 'key', slotsTotal: 4 };
  write({ kind: 'bind', binding: whole });
  close();
  open();
  expect(opening.opened.bindings.map(decodeBinding)).toEqual([whole]);
});

describe('a journal of the third version', () => {
  it('keeps its ended tasks and when they ended, and goes on counting there (B-STO-003)', () => {
    close();
    for (const name of ['journal.db', 'journal.db-wal', 'journal.db-shm']) rmSync(path(name), { force: true });
    const db = openDatabase(path('journal.db'));
    migrate(db, stepsUpTo(3));
    const insert = db.prepare('INSERT INTO tasks VALUES (?,?,?,?,?,?,?,?,?,?,?)');
    for (const [seq, taskId, endedAtMs] of [
      [1, 'a', 5000],
      [2, 'b', 7000],
      [3, 'hurt', 9e12],
    ] as const) {
      const { admission } = encodeAdmission(plainSpec(taskId), factsOf(seq));
      const { ending } = encodeEnding(endingOf(taskId));
      const old = JSON.stringify((JSON.parse(ending) as unknown[]).slice(0, 10));
      const row = sealed<TaskRow>(seq, taskId, 's', 10_000 - seq, 2, 1, endedAtMs, admission, null, old);
      insert.run(...row.slice(0, -1), taskId === 'hurt' ? 1 : row[10]);
    }
    db.close();
    rmSync(path('journal.echo'), { force: true });
    open();
    // One that does not add up moves no time.
    expect(opening.opened.lastKeptMs).toBe(7000);
    const list = new JournalReader(opening.db).list({
      state: undefined,
      sessionId: 's',
      afterSeq: undefined,
      limit: 9,
    });
    expect(list.map(row => decodeRecord(row).ending)).toMatchObject([
      { taskId: 'b', endedAtMs: 7000, keptFromMs: 7000 },
      { taskId: 'a', endedAtMs: 5000, keptFromMs: 5000 },
    ]);
  });
});

describe('the end of the write-ahead log', () => {
  it('is missed: lost admissions are named, and what had shown output is not run again', () => {
    write(admission('marked', 1), admission('ended', 2), admission('queued', 3));
    write(mark('marked'), ending('ended'), admission('lost', 4));
    leave();
    loseLastTransaction();
    open();
    expect(named()).toMatchObject({ lost: ['lost'], unsettled: ['marked', 'ended'] });
    expect(opening.opened.live.map(({ task }) => [task[1], task[5]])).toEqual([
      ['marked', 1],
      ['ended', 1],
      ['queued', 0],
    ]);
    close();
    open();
    expect(told).toEqual([]);
  });

  it('is not missed where the database has it all: the log is set aside', () => {
    write(admission('a', 1));
    write(admission('b', 2));
    opening.db.pragma('wal_checkpoint(PASSIVE)');
    leave();
    loseLastTransaction();
    open();
    expect(told.map(({ fields }) => fields.event)).toEqual(['journal_log_set_aside']);
    expect(liveIds()).toEqual(['a', 'b']);
    expect(existsSync(path('journal.db-wal.damaged'))).toBe(true);
  });

  /** A flipped bit in the first frame of the last transaction: SQLite drops it and all that follows, without a word. */
  function loseLastTransaction(): void {
    const log = readFileSync(path('journal.db-wal'));
    const salts = log.subarray(16, 24);
    const frames: number[] = [];
    for (let at = 32; log.subarray(at + 8, at + 16).equals(salts); at += 4120) frames.push(at);
    const commits = frames.filter(at => log.readUInt32BE(at + 4) > 0);
    const first = (commits.at(-2) as number) + 4120;
    log[first + 100] = (log[first + 100] as number) ^ 4;
    writeFileSync(path('journal.db-wal'), log);
  }
});

describe('a database that is gone', () => {
  it('is not taken for a new one: the tasks that were in it are named', () => {
    write(admission('a', 1), admission('b', 2));
    close();
    rmSync(path('journal.db'));
    open();
    expect(named()).toMatchObject({ lost: ['a', 'b'] });
  });
});

describe('a damaged structure', () => {
  it('is rebuilt where every task is there, and the old file kept', () => {
    for (let i = 1; i <= 50; i++) write(admission(`task-${i}`, i));
    const before = opening.db.prepare('SELECT * FROM tasks').all();
    const page = opening.db
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'tasks_by_session'")
      .pluck()
      .get() as number;
    close();
    const bytes = readFileSync(path('journal.db'));
    bytes.fill(0xff, (page - 1) * 4096 + 8, (page - 1) * 4096 + 40);
    writeFileSync(path('journal.db'), bytes);
    open();
    expect(told.map(({ fields }) => fields.event)).toEqual(['journal_rebuilt']);
    expect(opening.db.prepare('SELECT * FROM tasks').all()).toEqual(before);
    expect(opening.db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(existsSync(path('journal.db.damaged'))).toBe(true);
  });

  it('stops the start where tasks cannot be read, names them, and changes nothing', () => {
    for (let i = 1; i <= 50; i++)
      write({ kind: 'admit', task: encodeAdmission(fullSpec(`task-${i}`), factsOf(i)) }, ending(`task-${i}`));
    const leaf = opening.db
      .prepare("SELECT max(pageno) FROM dbstat WHERE name = 'tasks' AND pagetype = 'leaf'")
      .pluck()
      .get() as number;
    close();
    const bytes = readFileSync(path('journal.db'));
    bytes.fill(0, (leaf - 1) * 4096, leaf * 4096);
    writeFileSync(path('journal.db'), bytes);
    expect(() => open()).toThrow(
      expect.objectContaining({
        fault: 'UNREADABLE',
        message: expect.stringMatching(/Affected: task-\d+.*Nothing was changed\. Put /) as unknown,
      }),
    );
    expect(readFileSync(path('journal.db')).equals(bytes)).toBe(true);
  });

  it.each([
    ['a leaf of the table', (bytes: Buffer, leaf: number) => bytes.fill(0, (leaf - 1) * 4096, leaf * 4096)],
    ['the end of the file', (bytes: Buffer, leaf: number) => bytes.subarray(0, leaf * 4096 - 1000)],
  ])('that lost %s is rebuilt when it is asked for, from all that can be read, and the rest named', (_, harm) => {
    for (let i = 1; i <= 50; i++)
      write({ kind: 'admit', task: encodeAdmission(fullSpec(`task-${i}`), factsOf(i)) }, ending(`task-${i}`));
    write(admission('live', 51));
    const leaves = opening.db
      .prepare("SELECT pageno FROM dbstat WHERE name = 'tasks' AND pagetype = 'leaf' ORDER BY pageno")
      .pluck();
    const leaf = leaves.all()[3] as number;
    close();
    writeFileSync(path('journal.db'), harm(readFileSync(path('journal.db')), leaf));
    expect(() => open()).toThrow(expect.objectContaining({ fault: 'UNREADABLE' }));
    writeFileSync(path('journal.salvage'), '');
    open();
    const saved = opening.db.prepare('SELECT task_id FROM tasks').pluck().all() as string[];
    const lost = told.flatMap(({ fields }) => (Array.isArray(fields['ids']) ? (fields['ids'] as string[]) : []));
    expect(saved.length).toBeGreaterThan(10);
    expect([...new Set([...saved, ...lost])]).toHaveLength(51);
    expect(opening.db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(existsSync(path('journal.salvage'))).toBe(false);
    close();
    open();
    expect(told).toEqual([]);
  });

  it('stops the start where nothing can be read, and names the tasks it last knew', () => {
    write(admission('a', 1), admission('b', 2), ending('a'));
    close();
    truncateSync(path('journal.db'), 5000);
    expect(() => open()).toThrow(
      expect.objectContaining({ fault: 'UNREADABLE', message: expect.stringContaining('Affected: b, a.') as unknown }),
    );
  });
});

describe('a folder', () => {
  it('that holds something else is refused', () => {
    close();
    rmSync(path('journal.db'));
    const other = openDatabase(path('journal.db'));
    other.exec('CREATE TABLE theirs (x)');
    other.close();
    expect(() => open()).toThrow(expect.objectContaining({ fault: 'UNREADABLE' }));
  });

  it('can only be read by its owner', () => {
    openLedger(path('journal'), note => told.push(note));
    expect((statSync(path('journal')).mode & 0o777).toString(8)).toBe('700');
  });
});
