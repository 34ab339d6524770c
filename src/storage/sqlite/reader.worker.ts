import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { EventCopies } from './event-copies';
import { isLarge } from './opening/inspection';
import { codeOf, isStorageFault } from './file/journal-error';
import { files, openForReading } from './file/journal-file';
import { DamagedRow, JournalReader } from './tables/journal-reader';
import { IdFilter } from './log/id-filter';
import type { EventBatch, Failure, IdHashes, RequestOutcome, ReaderRequest } from './tables/protocol';
import { namesTranscript } from './tables/record-codec';
import { Scrub } from './opening/scrub';
import { ThreadPort } from './thread-port';

/** The thread that never waits for a sync: lookups, and the copies of events that may be lost. */

interface Opened {
  readonly db: Database.Database;
  readonly reader: JournalReader;
  readonly copies: EventCopies;
  readonly scrub: Scrub;
}

const port = new ThreadPort<ReaderRequest>();
let opened: Opened | undefined;
let copying = true;

port.serve(
  waiting => waiting.map(answer),
  () => undefined,
);

function answer(request: ReaderRequest): RequestOutcome | undefined {
  try {
    const value = perform(request);
    return value === undefined ? undefined : { value };
  } catch (thrown) {
    return { failure: request.kind === 'open' ? openingFailureOf(thrown) : failureOf(thrown) };
  }
}

function perform(request: ReaderRequest): unknown {
  if (request.kind === 'open') return open(request.folder);
  if (request.kind === 'close') return close();
  if (!opened) throw Object.assign(new Error('the journal is not open'), { code: 'SQLITE_CANTOPEN' });
  switch (request.kind) {
    case 'find':
      return opened.reader.find(request.taskId);
    case 'list':
      return opened.reader.list(request.query);
    case 'events':
      return opened.copies.read(request.taskId);
    case 'copied':
      return endedOf(opened, request.limit);
    case 'ids':
      return idsOf(opened.reader, request.afterSeq, request.limit);
    case 'copy':
      return copy(opened.copies, request.batch);
  }
}

function open(folder: string): void {
  const db = openForReading(folder);
  const reader = new JournalReader(db);
  const wanted = (taskId: string): boolean => {
    const ending = db.prepare('SELECT ending FROM tasks WHERE task_id = ?').pluck().get(taskId) as
      string | null | undefined;
    return ending === null || (ending !== undefined && !namesTranscript(ending));
  };
  const copies = EventCopies.open(join(folder, files.events), wanted);
  const scrub = new Scrub(reader, note => port.tell(note));
  if (isLarge(db)) scrub.start();
  opened = { db, reader, copies, scrub };
}

function idsOf(reader: JournalReader, afterSeq: number, limit: number): IdHashes {
  const rows = reader.idsAfter(afterSeq, limit);
  const hashes = Uint32Array.from(rows, ([, taskId]) => IdFilter.hashOf(taskId));
  return { hashes, lastSeq: rows.length < limit ? undefined : rows.at(-1)?.[0] };
}

/** Of those whose events were copied; see `wanted`, none of them names a transcript. */
function endedOf({ db, copies }: Opened, limit: number): string[] {
  const hasEnded = db.prepare('SELECT 1 FROM tasks WHERE task_id = ? AND ending IS NOT NULL').pluck();
  const ended: string[] = [];
  for (const taskId of copies.taskIds()) {
    if (ended.length === limit) break;
    if (hasEnded.get(taskId) === 1) ended.push(taskId);
  }
  return ended;
}

function close(): void {
  opened?.scrub.stop();
  opened?.copies.close();
  opened?.db.close();
  opened = undefined;
  port.close();
}

/** Best effort: what cannot be copied is missing only after a kill. Told when it begins and when it is over. */
function copy(copies: EventCopies, { text, taskIds, dropped }: EventBatch): void {
  try {
    copies.append(text, taskIds);
    // After it, for the batch may have been gathered before a task's end.
    for (const taskId of dropped) copies.drop(taskId);
    copies.sweep();
    if (!copying)
      port.tell({ level: 'tell', human: 'Events are copied again.', fields: { event: 'event_copies_back' } });
    copying = true;
  } catch (thrown) {
    for (const taskId of dropped) copies.drop(taskId);
    const human = `Events cannot be copied (${codeOf(thrown)}): a killed process would leave no output to read.`;
    const fields = { event: 'event_copies_failing', code: codeOf(thrown) };
    if (copying) port.tell({ level: 'warn', human, fields });
    copying = false;
  }
}

function openingFailureOf(thrown: unknown): Failure {
  return isStorageFault(thrown)
    ? {
        code: 'UNUSABLE',
        reason: `The journal's folder cannot be used (${codeOf(thrown)}): see that it can be written.`,
      }
    : failureOf(thrown);
}

function failureOf(thrown: unknown): Failure {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  if (isStorageFault(thrown)) return { code: 'STORAGE_UNAVAILABLE', reason: codeOf(thrown) };
  return { code: 'INTERNAL', reason: thrown instanceof DamagedRow ? reason : `${codeOf(thrown)} ${reason}` };
}
