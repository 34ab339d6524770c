import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ServiceError } from '../../errors/service-error';

const TEMPORARY = '.tmp-';

/** Folder syncs that are asked for while one runs are served together by the next: see {@link syncFolder}. */
interface FolderSync {
  running: Promise<void>;
  next: Promise<void> | undefined;
}
const folderSyncs = new Map<string, FolderSync>();

/**
 * Replaces a file by one with this content, or leaves it as it was: temporary file → fsync → rename → fsync of the folder.
 * @throws ServiceError STORAGE_FULL, STORAGE_UNAVAILABLE
 */
export async function writeAtomically(path: string, content: string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `${TEMPORARY}${basename(path).slice(0, 32)}-${randomBytes(6).toString('hex')}`);
  try {
    const file = await openIn(folder, temporary);
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storageError(cause);
  }
}

/** Removes a file for good; false when there was none. @throws ServiceError STORAGE_UNAVAILABLE */
export async function removeDurably(path: string): Promise<boolean> {
  try {
    await rm(path);
    await syncFolder(dirname(path));
    return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw storageError(cause);
  }
}

/** Removes what a process that was killed in the middle of a write has left. */
export async function sweepTemporaries(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter(name => name.startsWith(TEMPORARY)).map(name => rm(join(folder, name), { force: true })));
}

export function isMissing(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** What a failed file operation means to a client; the path stays in the cause. */
export function storageError(cause: unknown): ServiceError {
  if (cause instanceof ServiceError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return new ServiceError(full ? 'STORAGE_FULL' : 'STORAGE_UNAVAILABLE', { retryAfterMs: 5000 }, cause);
}

async function openIn(folder: string, path: string): ReturnType<typeof open> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await syncFolder(dirname(folder));
    return open(path, 'wx', 0o600);
  }
}

/**
 * Resolves once a sync of the folder that began after this call is through. Callers that come while one runs share the next,
 * so that many writes at once cost a few folder syncs and not one each.
 */
async function syncFolder(folder: string): Promise<void> {
  const sync = folderSyncs.get(folder);
  if (!sync) {
    const running = fsyncFolder(folder).finally(() => folderSyncs.delete(folder));
    folderSyncs.set(folder, { running, next: undefined });
    return running;
  }
  sync.next ??= sync.running.then(
    () => syncFolder(folder),
    () => syncFolder(folder),
  );
  return sync.next;
}

async function fsyncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
