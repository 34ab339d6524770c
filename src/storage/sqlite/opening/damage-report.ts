import type { Change } from '../tables/echo';
import { JournalError } from '../file/journal-error';
import { files } from '../file/journal-file';
import type { Findings } from './examination';
import type { Note } from '../tables/protocol';

/** Ids in one line of the log. */
const IDS_PER_LINE = 100;
/** Ids in the message that a start ends with; the log has all. */
const IDS_PER_MESSAGE = 20;

const advice =
  `Put the folder back from a copy made before; or make an empty file ${files.salvage} in it and start again, to keep ` +
  'what can be read and have the rest named; or move the folder away to begin with an empty journal, which forgets every task in this one.';

/** Lines that name each task that damage has touched, and what that means for it. */
export function notesOn({ state, lost, inspection }: Findings): Note[] {
  const { damagedTasks = [], missing = 0 } = inspection ?? {};
  const liveSeqs = new Set(state.damagedTasks.map(({ seq }) => seq));
  const ended = damagedTasks.filter(({ seq }) => !liveSeqs.has(seq));
  const notes = [
    ...named('Tasks that had not ended have damaged records: they end as failed.', idsOf(state.damagedTasks), 'live'),
    ...named('Ended tasks have damaged records and cannot be shown.', idsOf(ended), 'ended'),
    ...named('Accepted tasks are lost with the end of the write-ahead log.', subjectsOf(lost, 'admit'), 'lost'),
    ...named(
      'Tasks had shown output or ended; that is lost, and they are not run again.',
      unsettledOf(lost),
      'unsettled',
    ),
    ...named('Sessions have damaged records: what they had spent is forgotten.', state.damagedSessions, 'sessions'),
    ...named('Bindings have damaged records and are forgotten.', state.damagedBindings, 'bindings'),
    ...named('Drains have damaged records: the pools take work again.', state.damagedDrains, 'drains'),
    ...named('What was learned is damaged, and is learned anew.', state.damagedNotes, 'notes'),
  ];
  notes.push(...named('Changes of bindings are lost.', subjectsOf(lost, 'bind', 'unbind'), 'bindings'));
  notes.push(...named('Drains, or their ends, are lost.', subjectsOf(lost, 'drain', 'undrain'), 'drains'));
  notes.push(...named('What was learned last is lost, and is learned anew.', subjectsOf(lost, 'note'), 'notes'));
  notes.push(...named('Sessions that were deleted may be back.', subjectsOf(lost, 'forget'), 'sessions'));
  if (missing > 0) notes.push(note(`${missing} tasks are gone, and their names with them.`, { missing }));
  return notes;
}

/** What a salvage could not read. */
export function notesOnSalvage(taskIds: readonly string[]): Note[] {
  const human = `It was rebuilt from what could be read; the old file is ${files.damaged}.`;
  return [note(human, { lost: taskIds.length }), ...named('Tasks could not be saved.', taskIds, 'lost')];
}

/** The same for what is found later. */
export function notesOnScrubbed(taskIds: readonly string[]): Note[] {
  return named('Ended tasks have damaged records and cannot be shown.', taskIds, 'ended');
}

/** Why a start cannot go on, with the tasks that cannot be read; the notes name them all. */
export function unreadable(folder: string, reason: string, taskIds: readonly string[], cause?: unknown): JournalError {
  const shown = taskIds.slice(0, IDS_PER_MESSAGE).join(', ');
  const more = taskIds.length > IDS_PER_MESSAGE ? ` and ${taskIds.length - IDS_PER_MESSAGE} more` : '';
  const affected = taskIds.length > 0 ? `Affected: ${shown}${more}.` : 'Any task in it may be affected.';
  return new JournalError(
    'UNREADABLE',
    `The journal in ${folder} cannot be read: ${reason}. ${affected} Nothing was changed. ${advice}`,
    cause,
  );
}

function named(human: string, ids: readonly string[], what: string): Note[] {
  const notes: Note[] = [];
  for (let at = 0; at < ids.length; at += IDS_PER_LINE) {
    notes.push(note(human, { what, ids: ids.slice(at, at + IDS_PER_LINE), of: ids.length }));
  }
  return notes;
}

function note(human: string, fields: Record<string, unknown>): Note {
  return { level: 'fail', human: `The journal is damaged. ${human}`, fields: { event: 'journal_damaged', ...fields } };
}

function idsOf(tasks: readonly { readonly taskId: string }[]): string[] {
  return tasks.map(({ taskId }) => taskId);
}

function subjectsOf(changes: readonly Change[], ...kinds: Change['kind'][]): string[] {
  return [...new Set(changes.filter(({ kind }) => kinds.includes(kind)).map(({ subject }) => subject))];
}

/** The tasks that changes are about. */
export function taskIdsOf(changes: readonly Change[]): string[] {
  return subjectsOf(changes, 'admit', 'mark', 'end');
}

/** Those whose admission is still there, but not what came after it. */
function unsettledOf(lost: readonly Change[]): string[] {
  const gone = new Set(subjectsOf(lost, 'admit'));
  return subjectsOf(lost, 'mark', 'end').filter(taskId => !gone.has(taskId));
}
