import { ServiceError } from '../../errors/service-error';
import type { KeptFile } from '../../files/kept-file';

/** What a client is told to wait before it tries again while storage fails. */
const RETRY_AFTER_MS = 5000;
const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * What a failed file operation means to a client: STORAGE_FULL or STORAGE_UNAVAILABLE; the path stays in the cause.
 * Whatever is no file operation's failure (a fault of ours) comes back as it is.
 */
export function storageError(cause: unknown): unknown {
  const code = codeOf(cause);
  if (cause instanceof ServiceError || code === '') return cause;
  if (noRoom.has(code)) return new ServiceError('STORAGE_FULL', { retryAfterMs: RETRY_AFTER_MS }, cause);
  const message = 'Files cannot be read or written at the moment.';
  return new ServiceError('STORAGE_UNAVAILABLE', { message, retryAfterMs: RETRY_AFTER_MS }, cause);
}

/** What was written there is acknowledged only while it can be found. @throws ServiceError STORAGE_UNAVAILABLE */
export function assertInPlace(kept: KeptFile | undefined): void {
  if (!kept || kept.isInPlace) return;
  const cause = Object.assign(new Error(`${kept.path} was deleted, moved or replaced`), { code: 'FILES_GONE' });
  const message = 'Files cannot be read or written at the moment.';
  throw new ServiceError('STORAGE_UNAVAILABLE', { message, retryAfterMs: RETRY_AFTER_MS }, cause);
}

/** True where a file or a folder on the way to it is not there. */
export function isMissing(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function codeOf(cause: unknown): string {
  const { code, syscall } = (cause instanceof Error ? cause : {}) as NodeJS.ErrnoException;
  return syscall !== undefined && code !== undefined ? code : '';
}
