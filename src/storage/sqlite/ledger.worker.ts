import { JournalError } from './journal-error';
import { Ledger } from './ledger';
import { openLedger, type OpenLedger } from './ledger-opening';
import { LedgerSpace } from './ledger-space';
import { spaceNote, writingNote } from './notes';
import type { LedgerRequest, Outcome, WriteRequest } from './protocol';
import { ThreadPort } from './thread-port';

/** The thread that writes the journal and waits for its disk. */

/** So long after the last write, the write-ahead log is wiped of what ended tasks have left in it. */
const IDLE_MS = 5000;

interface Journal extends OpenLedger {
  readonly ledger: Ledger;
  readonly space: LedgerSpace;
}

const port = new ThreadPort<LedgerRequest>();
let journal: Journal | undefined;
let idle: NodeJS.Timeout | undefined;

port.serve(handle, rest);

function handle(waiting: readonly LedgerRequest[]): (Outcome | undefined)[] {
  const [first] = waiting;
  if (first?.kind === 'open') return [open(first.folder)];
  if (first?.kind === 'close') return [close()];
  if (!journal) return [{ failure: { code: 'STORAGE_UNAVAILABLE', reason: 'the journal is not open' } }];
  const end = waiting.findIndex(request => !isWrite(request));
  const writes = (end < 0 ? waiting : waiting.slice(0, end)) as readonly WriteRequest[];
  return journal.ledger.write(writes.slice(0, Ledger.sizeOfGroup(writes)));
}

function isWrite(request: LedgerRequest): request is WriteRequest {
  return request.kind !== 'open' && request.kind !== 'close';
}

function open(folder: string): Outcome {
  try {
    const opening = openLedger(folder, note => port.tell(note));
    const space = new LedgerSpace(opening.db, folder, fault => port.tell(spaceNote(fault)));
    space.prepare(1, 0); // A start on a full disk is told at once; it goes on without admissions.
    const ledger = new Ledger(opening.db, opening.tables, space, opening.echo, fault => port.tell(writingNote(fault)));
    journal = { ...opening, space, ledger };
    return { value: opening.opened };
  } catch (thrown) {
    if (!(thrown instanceof JournalError)) throw thrown;
    return { failure: { code: thrown.fault, reason: thrown.message } };
  }
}

function rest(): void {
  if (!journal) return;
  upkeep(() => journal?.space.checkpointIfDue());
  if (idle) idle.refresh();
  else idle = setTimeout(wipe, IDLE_MS);
}

function wipe(): void {
  upkeep(() => {
    if (journal && !journal.space.wipeLog()) idle?.refresh();
  });
}

/** Nobody waits for upkeep: where storage fails, the next write will say so, and it is tried again after that. */
function upkeep(work: () => void): void {
  try {
    work();
  } catch (thrown) {
    port.tell(writingNote(thrown));
  }
}

function close(): undefined {
  clearTimeout(idle);
  journal?.db.close();
  journal?.space.close();
  journal?.echo.close();
  journal?.lock.close();
  journal = undefined;
  port.close();
}
