export type JournalFault =
  /** Another process works on the same folder. */
  | 'LOCKED'
  /** It was written by a newer version of the service. */
  | 'NEWER'
  /** It is damaged in a way that cannot be worked around. */
  | 'UNREADABLE'
  /** The folder cannot be used at all: rights, a full or a read-only disk. */
  | 'UNUSABLE';

/** Why the service cannot start on this journal: the message says what is wrong and what to do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';

  constructor(
    readonly fault: JournalFault,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** The journal's files are not in their place any more: what is written to those that are open would be found by nobody. */
export class FilesGone extends Error {
  override readonly name = 'FilesGone';
  readonly code = 'FILES_GONE';

  constructor(path: string) {
    super(`${path} is not the file that was opened there`);
  }
}

/** The result code of an error that SQLite threw (`SQLITE_FULL`, `SQLITE_IOERR_FSYNC`, …), or of a file operation. */
export function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

/** True where storage failed and not the request: the same write may succeed later. */
export function isStorageFault(thrown: unknown): boolean {
  return (
    isNoSpace(thrown) ||
    /^(SQLITE_(IOERR|READONLY|CANTOPEN|BUSY|LOCKED|CORRUPT|NOTADB|NOMEM|PROTOCOL)|EIO|EROFS|EACCES|EPERM)/.test(
      codeOf(thrown),
    )
  );
}

export function isNoSpace(thrown: unknown): boolean {
  return /^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(codeOf(thrown));
}

/** True where the file itself is damaged. */
export function isDamage(thrown: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(codeOf(thrown));
}
