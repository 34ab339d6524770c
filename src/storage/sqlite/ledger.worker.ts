import { join } from 'node:path';
import { KeptFile } from '../../files/kept-file';
import { codeOf, JournalError } from './file/journal-error';
import { files, syncLog } from './file/journal-file';
import { Ledger } from './ledger';
import { openLedger, type OpenLedger } from './opening/ledger-opening';
import { LedgerSpace } from './file/ledger-space';
import { passedOverNote, spaceNote, syncNote, upkeepNote, writingNote } from './notes';
import type { Applied, LedgerRequest, OpenedLedger, RequestOutcome, WriteRequest, Written } from './tables/protocol';
import { ThreadPort } from './thread-port';

/** The thread that writes the journal and waits for its disk. */

/** So long after the last write, the write-ahead log is wiped of what ended tasks have left in it. */
const IDLE_MS = 5000;

interface Journal extends OpenLedger {
  readonly folder: string;
  readonly ledger: Ledger;
  readonly space: LedgerSpace;
  readonly kept: readonly KeptFile[];
}

const port = new ThreadPort<LedgerRequest>();
let journal: Journal | undefined;
let idle: NodeJS.Timeout | undefined;
let upkeepFails = false;

port.serve(handle, rest);

function handle(waiting: readonly LedgerRequest[]): (RequestOutcome | undefined)[] {
  const [first] = waiting;
  if (first?.kind === 'open') return [open(first.folder)];
  if (first?.kind === 'close') return [close()];
  if (!journal) return [{ failure: { code: 'STORAGE_UNAVAILABLE', reason: 'the journal is not open' } }];
  return [first && perform(journal, first)];
}

function perform({ ledger, tables, space, folder }: Journal, request: LedgerRequest): RequestOutcome | undefined {
  switch (request.kind) {
    case 'write': {
      const outcomes = ledger.write(request.writes);
      const written: Written = { outcomes, lastChange: tables.counters.changes, hasRoom: space.hasRoomAhead };
      return { value: written };
    }
    case 'apply': {
      const failure = ledger.apply(request.first, request.writes);
      const applied: Applied = { hasRoom: space.hasRoomAhead };
      return failure ? { failure } : { value: applied };
    }
    case 'sync':
      return attempt(() => syncLog(folder));
    case 'open':
    case 'close':
      return undefined;
  }
}

function attempt(work: () => void): RequestOutcome | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    port.tell(syncNote(thrown));
    return { failure: { code: 'STORAGE_UNAVAILABLE', reason: codeOf(thrown) } };
  }
}

function open(folder: string): RequestOutcome {
  try {
    const opening = openLedger(folder, note => port.tell(note));
    const { db, tables, echo } = opening;
    const space = new LedgerSpace(db, folder, fault => port.tell(spaceNote(fault)));
    space.prepare(1, 0); // A start on a full disk is told at once; it goes on without admissions.
    const tellWriting = (fault?: unknown): void => port.tell(writingNote(fault));
    const kept = [files.database, files.wal].map(name => new KeptFile(join(folder, name)));
    const tellUpkeep = (fault: unknown): void => port.tell(upkeepNote(fault));
    const tellPassedOver = (writes: readonly WriteRequest[], fault?: unknown): void =>
      port.tell(passedOverNote(writes, fault));
    const ledger = new Ledger(db, tables, space, echo, kept, tellWriting, tellUpkeep, tellPassedOver);
    journal = { ...opening, folder, space, kept, ledger };
    const opened: OpenedLedger = { ...opening.opened, hasRoom: space.hasRoomAhead };
    return { value: opened };
  } catch (thrown) {
    if (!(thrown instanceof JournalError)) throw thrown;
    return { failure: { code: thrown.fault, reason: thrown.message } };
  }
}

function rest(): void {
  upkeep(({ space }) => {
    if (!space.checkpointIfDue()) return;
    if (idle) idle.refresh();
    else idle = setTimeout(wipe, IDLE_MS);
  });
}

function wipe(): void {
  upkeep(({ space }) => {
    if (!space.wipeLog()) idle?.refresh();
  });
}

/** Nobody waits for upkeep: where storage fails, it is told once, and tried again after the next write. */
function upkeep(work: (open: Journal) => void): void {
  if (!journal) return;
  try {
    work(journal);
    upkeepFails = false;
  } catch (thrown) {
    if (!upkeepFails) port.tell(upkeepNote(thrown));
    upkeepFails = true;
  }
}

function close(): undefined {
  clearTimeout(idle);
  journal?.db.pragma('synchronous = FULL'); // For the checkpoint that closing makes.
  journal?.db.close();
  journal?.space.close();
  for (const file of journal?.kept ?? []) file.close();
  journal?.echo.close();
  journal?.lock.close();
  journal = undefined;
  port.close();
}
