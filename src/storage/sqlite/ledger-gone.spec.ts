import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { KeptFile } from '../../files/kept-file';
import { files } from './file/journal-file';
import { Ledger } from './ledger';
import { openLedger, type OpenLedger } from './opening/ledger-opening';
import { LedgerSpace } from './file/ledger-space';
import type { RequestOutcome, WriteRequest } from './tables/protocol';
import { encodeAdmission, encodeEnding } from './tables/record-codec';

/* The journal's folder is taken away from under it. */

let root: TemporaryFolder;
let folder: string;
let away: string;
let opening: OpenLedger;
let space: LedgerSpace;
let kept: KeptFile[];
let ledger: Ledger;
let faults: unknown[];

beforeEach(() => {
  root = temporaryFolder();
  folder = join(root.path, 'journal');
  away = join(root.path, 'away');
  faults = [];
  open();
});
afterEach(() => {
  close();
  root.remove();
});

function open(): void {
  opening = openLedger(folder, () => undefined);
  space = new LedgerSpace(opening.db, folder, () => undefined);
  space.prepare(1, 0);
  kept = [files.database, files.wal].map(name => new KeptFile(join(folder, name)));
  const note = (fault: unknown): void => void faults.push(fault);
  ledger = new Ledger(opening.db, opening.tables, space, opening.echo, kept, note, () => undefined);
}

function close(): void {
  opening.db.close();
  space.close();
  for (const file of kept) file.close();
  opening.echo.close();
  opening.lock.close();
}

const admission = (taskId: string, seq: number): WriteRequest => ({
  kind: 'admit',
  task: encodeAdmission(plainSpec(taskId), factsOf(seq)),
});
const ending = (taskId: string): WriteRequest => ({ kind: 'end', task: encodeEnding(endingOf(taskId)) });
const unavailable: RequestOutcome = { failure: { code: 'STORAGE_UNAVAILABLE', reason: 'FILES_GONE' } };

/** Ids of the live tasks that the next start finds. */
function reopened(): string[] {
  close();
  open();
  return opening.opened.live.map(({ task }) => String(task[1])).sort();
}

const taken: readonly (readonly [string, () => void])[] = [
  ['deleted', () => rmSync(folder, { recursive: true })],
  ['moved away', () => renameSync(folder, away)],
  [
    'replaced by a copy',
    () => {
      renameSync(folder, away);
      cpSync(away, folder, { recursive: true });
    },
  ],
  [
    'replaced by an empty one',
    () => {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    },
  ],
  ['robbed of its write-ahead log', () => rmSync(join(folder, files.wal))],
];

describe('once its folder is', () => {
  it.each(taken)('%s, acknowledges nothing more, and says so once (B-STO-001)', (_, take) => {
    expect(ledger.write([admission('a', 1), admission('b', 2)])).toEqual([undefined, undefined]);
    take();
    expect(ledger.write([admission('c', 3)])).toEqual([unavailable]);
    expect(ledger.write([ending('a'), admission('d', 4)])).toEqual([unavailable, unavailable]);
    expect(faults).toMatchObject([{ code: 'FILES_GONE' }]);
  });

  it('moved away and back, goes on, and holds nothing of what it refused meanwhile (B-STO-001)', () => {
    ledger.write([admission('a', 1)]);
    renameSync(folder, away);
    expect(ledger.write([admission('b', 2)])).toEqual([unavailable]);
    expect(ledger.write([admission('b', 3)])).toEqual([unavailable]);
    renameSync(away, folder);
    expect(ledger.write([admission('b', 4), admission('c', 5)])).toEqual([undefined, undefined]);
    expect(faults).toMatchObject([{ code: 'FILES_GONE' }, undefined]);
    expect(reopened()).toEqual(['a', 'b', 'c']);
  });

  it('moved away while it commits, does not have what it refused when it is put back (B-STO-001)', () => {
    ledger.write([admission('a', 1)]);
    renameSync(folder, away);
    // The first write finds out only when it has committed.
    expect(ledger.write([admission('a', 2), admission('b', 3)])).toEqual([unavailable, unavailable]);
    renameSync(away, folder);
    expect(reopened()).toEqual(['a']);
  });
});

it('is not touched by a journal that lost its place to another', () => {
  ledger.write([admission('a', 1)]);
  const [firstOpening, firstSpace, firstKept] = [opening, space, kept];
  renameSync(folder, away);
  open();
  ledger.write([admission('b', 1)]);
  firstOpening.db.close();
  firstSpace.close();
  for (const file of firstKept) file.close();
  firstOpening.echo.close();
  firstOpening.lock.close();
  expect(ledger.write([admission('c', 2)])).toEqual([undefined]);
  expect(reopened()).toEqual(['b', 'c']);
});
