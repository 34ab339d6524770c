import type { RecordKind } from './api-records.port';

/**
 * Members of the text of a batch that name the files it works with. There were versions that did not tell what a record holds, and may be nodes of
 * them yet: an open one of theirs holds these.
 */
export const fileMembers = ['inputFileId', 'outputFileId', 'errorFileId'] as const;

/** Ids of the files that the text of an open record names, by {@link fileMembers}; none where it is damaged. */
export function filesNamedBy(kind: RecordKind, text: string): readonly string[] {
  if (kind !== 'batch') return [];
  try {
    const batch = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    return fileMembers.map(member => batch?.[member]).filter(id => typeof id === 'string');
  } catch {
    return [];
  }
}
