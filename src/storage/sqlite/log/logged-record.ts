import type { JournalRecord } from '../../../tasks/journal/task-journal.port';
import { endingWith } from '../../../tasks/task/storing-transcript';
import type { FoundRow } from '../tables/protocol';
import { decodeRecord } from '../tables/record-codec';
import { rowAfter } from '../tables/rows-to-come';
import type { LoggedEntry } from './log-takeover';

/**
 * A task by what the database has of it and what the log has beyond that.
 * @param entries looked at before the database, which may have some of them by now
 */
export function recordWith(
  found: FoundRow | undefined,
  entries: readonly LoggedEntry[],
  taskId: string,
): JournalRecord | undefined {
  const row = entries.reduce((before, { write }) => rowAfter(before, write, taskId), found);
  if (!row) return undefined;
  const record = decodeRecord(row.task, row.prompt);
  const transcript = entries.find(entry => entry.transcript)?.transcript;
  // What an ending names it names for good.
  if (!transcript || !record.ending || record.ending.transcriptArtifactId !== undefined) return record;
  const ending = endingWith(record.ending, transcript);
  return { ...record, ending, ...(transcript.isStored === undefined && { transcript }) };
}
