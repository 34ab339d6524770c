import { codeOf, FilesGone } from './file/journal-error';
import type { Note, WriteRequest } from './tables/protocol';

/** What is told when writing fails for the first time, and when it works again. */
export function writingNote(fault: unknown): Note {
  if (fault === undefined) {
    return { level: 'tell', human: 'The journal can be written again.', fields: { event: 'journal_writable' } };
  }
  if (fault instanceof FilesGone) {
    const human = `The journal's files were taken away (${fault.message}): nothing is accepted until they are back, or the service is started again.`;
    return { level: 'fail', human, fields: { event: 'journal_gone', code: fault.code } };
  }
  return {
    level: 'fail',
    human: `The journal cannot be written (${codeOf(fault)}): nothing is accepted until it can.`,
    fields: { event: 'journal_unwritable', code: codeOf(fault) },
  };
}

/** The same for room on the disk. */
export function spaceNote(fault: unknown): Note {
  if (fault === undefined) {
    return { level: 'tell', human: 'The journal has room again.', fields: { event: 'journal_has_room' } };
  }
  return {
    level: 'fail',
    human: `The disk has no room for the journal (${codeOf(fault)}): no task is accepted; those that run go on.`,
    fields: { event: 'journal_full', code: codeOf(fault) },
  };
}

/** When the commit log cannot be made. */
export function logNote(fault: unknown): Note {
  const human = `The commit log cannot be made (${codeOf(fault)}): the journal goes on without it, and is slower.`;
  return { level: 'warn', human, fields: { event: 'journal_without_log', code: codeOf(fault) } };
}

/** When writes that the commit log holds cannot be done. @param fault undefined where their ids are taken */
export function passedOverNote(writes: readonly WriteRequest[], fault: unknown): Note {
  const ids = writes.flatMap(write => ('task' in write ? write.task.taskId : 'taskId' in write ? write.taskId : []));
  const human = 'Writes that were acknowledged could not be taken over into the journal.';
  return { level: 'fail', human, fields: { event: 'journal_writes_passed_over', ids, code: codeOf(fault) } };
}

/** When the write-ahead log cannot be copied into the database, or the echo not be written. */
export function upkeepNote(fault: unknown): Note {
  return {
    level: 'warn',
    human: `What the journal does beside writing fails (${codeOf(fault)}); nothing is lost by it.`,
    fields: { event: 'journal_upkeep_failed', code: codeOf(fault) },
  };
}

/** When what the database was given cannot be synced: nobody knows what of it is on the disk. */
export function syncNote(fault: unknown): Note {
  const human = `The journal's database cannot be synced (${codeOf(fault)}): the commit log keeps what it has, and takes no more until the next start.`;
  return { level: 'fail', human, fields: { event: 'journal_not_synced', code: codeOf(fault) } };
}
