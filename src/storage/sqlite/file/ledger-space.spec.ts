import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endingOf, factsOf, placement, plainSpec } from '../../../../test/contracts/journal-samples';
import { mountSmallDisk } from '../../../../test/support/small-disk';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { Ledger } from '../ledger';
import { openLedger, type OpenLedger } from '../opening/ledger-opening';
import { LedgerSpace } from './ledger-space';
import type { RequestOutcome, WriteRequest } from '../tables/protocol';
import { encodeAdmission, encodeEnding, encodePlacement } from '../tables/record-codec';
import { LAST_RESORT_MS } from '../../../../test/support/deadline';

let folder: TemporaryFolder;
let opening: OpenLedger;
let space: LedgerSpace;
let ledger: Ledger;
let changes: unknown[];

beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => folder.remove());

function open(at: string): void {
  changes = [];
  opening = openLedger(at, note => changes.push(note));
  space = new LedgerSpace(opening.db, at, fault => changes.push(fault));
  const ignore = (): void => undefined;
  ledger = new Ledger(opening.db, opening.tables, space, opening.echo, [], ignore, ignore);
}

function close(): void {
  opening.db.close();
  space.close();
  opening.echo.close();
  opening.lock.close();
}

function admission(seq: number, prompt: string): WriteRequest {
  return { kind: 'admit', task: encodeAdmission(plainSpec(`task-${seq}`, { prompt }), factsOf(seq)) };
}

function mark(seq: number): WriteRequest {
  return { kind: 'mark', taskId: `task-${seq}`, placement: encodePlacement(placement) };
}

function ending(seq: number): WriteRequest {
  return { kind: 'end', task: encodeEnding(endingOf(`task-${seq}`)) };
}

function failureOf(outcome: RequestOutcome | undefined): string | undefined {
  return outcome && 'failure' in outcome ? outcome.failure.code : undefined;
}

describe('room for what the commit log may take', () => {
  it('is not there, and nothing is thrown, where the database cannot be read', () => {
    open(folder.path);
    expect([space.prepare(1, 0), space.hasRoomAhead]).toEqual([true, true]);
    const pages = vi.spyOn(opening.db.prepare('PRAGMA page_count').constructor.prototype as { get(): unknown }, 'get');
    pages.mockImplementation(() => {
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ' });
    });
    expect(space.hasRoomAhead).toBe(false);
    pages.mockRestore();
    close();
  });
});

describe('wiping the log', () => {
  const canary = 'canary-in-a-prompt ';

  it.each([
    ['a short prompt', 1, 1],
    ['many prompts', 1000, 20],
    ['a prompt larger than the reserve', 1, 300_000],
  ])(
    'leaves nothing of %s of ended tasks, though the journal stays open',
    { timeout: 120_000 },
    (_, tasks, repeats) => {
      open(folder.path);
      for (let seq = 1; seq <= tasks; seq++)
        expect(ledger.write([admission(seq, canary.repeat(repeats))])).toEqual([undefined]);
      for (let seq = 1; seq <= tasks; seq++) expect(ledger.write([ending(seq)])).toEqual([undefined]);
      expect(space.checkpointIfDue()).toBe(true);
      expect(readFileSync(join(folder.path, 'journal.db-wal')).includes(canary)).toBe(true);
      expect(space.wipeLog()).toBe(true);
      expect(space.checkpointIfDue()).toBe(false);
      for (const name of ['journal.db', 'journal.db-wal']) {
        expect(readFileSync(join(folder.path, name)).includes(canary), name).toBe(false);
      }
      close();
    },
  );

  it('writes little when there was little to wipe', () => {
    open(folder.path);
    ledger.write([admission(1, 'x')]);
    space.checkpointIfDue();
    space.wipeLog();
    space.checkpointIfDue();
    ledger.write([ending(1)]);
    space.checkpointIfDue();
    expect(space.wipeLog()).toBe(true);
    const [{ log }] = opening.db.pragma('wal_checkpoint(NOOP)') as [{ log: number }];
    expect(log).toBeLessThan(40);
    close();
  });
});

describe('a full disk', () => {
  it('takes no admission, but each mark and ending of thousands of tasks; it recovers when there is room', context => {
    const disk = mountSmallDisk(48);
    if (!disk) return context.skip();
    const tasks = 3000;
    try {
      open(join(disk.path, 'journal'));
      for (let seq = 1; seq <= tasks; seq++) {
        expect(ledger.write([admission(seq, `prompt ${seq}`)])).toEqual([undefined]);
        space.checkpointIfDue();
      }
      disk.fill();
      let seq = tasks;
      let refused: string | undefined;
      // What had been lengthened before is used up first.
      while (refused === undefined) refused = failureOf(ledger.write([admission(++seq, 'x'.repeat(50_000))])[0]);
      expect(refused).toBe('STORAGE_UNAVAILABLE');
      expect(changes).toHaveLength(1);
      const mixed = ledger.write([mark(1), admission(seq, 'y'.repeat(50_000)), ending(1)]);
      expect(mixed.map(failureOf)).toEqual([undefined, 'STORAGE_UNAVAILABLE', undefined]);
      for (let task = 2; task <= tasks; task++) {
        expect(ledger.write([mark(task)])).toEqual([undefined]);
        expect(ledger.write([ending(task)])).toEqual([undefined]);
        space.checkpointIfDue();
      }
      disk.free();
      const startMs = performance.now();
      while (failureOf(ledger.write([admission(seq, 'back again')])[0]) !== undefined)
        expect(performance.now() - startMs).toBeLessThan(LAST_RESORT_MS);
      expect(changes).toEqual([expect.anything(), undefined]);
      close();
      open(join(disk.path, 'journal'));
      expect(opening.opened.live.map(({ task }) => task[0])).toContain(seq);
      expect(opening.tables.counters).toMatchObject({ tasks: seq, live: seq - tasks });
      close();
    } finally {
      disk.unmount();
    }
  });
});
