import { codeOf, FilesGone } from './file/journal-error';
import type { Note } from './tables/protocol';

/** What the log says when writing fails for the first time, and when it works again. */
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

/** When the log cannot be copied into the database, or the echo not be written. */
export function upkeepNote(fault: unknown): Note {
  return {
    level: 'warn',
    human: `What the journal does beside writing fails (${codeOf(fault)}); nothing is lost by it.`,
    fields: { event: 'journal_upkeep_failed', code: codeOf(fault) },
  };
}
