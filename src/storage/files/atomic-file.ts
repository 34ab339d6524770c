import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from './folder-sync';
import { isMissing, storageError } from './storage-error';

/** What a name begins with that is not kept yet; {@link filesOf} removes it. */
export const TEMPORARY = '.tmp-';

/** Makes a folder that only the service can enter, parents too, and has their names on disk when it resolves. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await syncFolder(dirname(folder));
}

/**
 * Replaces a file by one with this content, or leaves it as it was: temporary file → fsync → rename → fsync of the folder.
 * @throws ServiceError STORAGE_FULL, STORAGE_UNAVAILABLE
 */
export async function writeAtomically(path: string, content: string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, TEMPORARY + randomBytes(16).toString('hex'));
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
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

/** Removes files of one folder for good; those that are not there are passed over. @throws ServiceError STORAGE_UNAVAILABLE */
export async function removeDurably(folder: string, names: readonly string[]): Promise<void> {
  try {
    for (const name of names) await removeFile(join(folder, name));
    await syncFolder(folder);
  } catch (cause) {
    throw storageError(cause);
  }
}

/** Removes a file, which may be there again after a loss of power; nothing where there is none. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (!isMissing(cause)) throw storageError(cause);
  }
}

/** Names of the regular files of a folder. What a process that was killed in the middle of a write has left is removed. */
export async function filesOf(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    if (entry.name.startsWith(TEMPORARY)) await removeFile(join(folder, entry.name));
    else names.push(entry.name);
  }
  return names;
}

/** The bytes of a file; why not where it is none of ours: not a regular file, or larger than it may be. */
export type FileReading = { readonly bytes: Buffer } | { readonly bytes: undefined; readonly reason: string };

/**
 * Reads a regular file up to a bound; undefined when there is none. Whoever can write to the folder cannot make us follow a
 * link, wait for a FIFO, or take in a file without end.
 * @throws ServiceError STORAGE_UNAVAILABLE
 */
export async function readBounded(path: string, maxBytes: number): Promise<FileReading | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) return { bytes: undefined, reason: 'it is not a regular file' };
      if (found.size > maxBytes) return { bytes: undefined, reason: `it has more than ${maxBytes} bytes` };
      return { bytes: await file.readFile() };
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    if ((cause as NodeJS.ErrnoException).code === 'ELOOP') return { bytes: undefined, reason: 'it is a symbolic link' };
    throw storageError(cause);
  }
}

/** False too where that cannot be told. */
export function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isFile(),
    () => false,
  );
}
