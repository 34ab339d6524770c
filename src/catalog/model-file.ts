import { constants } from 'node:fs';
import { lstat, open, realpath, unlink, type FileHandle } from 'node:fs/promises';
import { join, normalize, sep } from 'node:path';

/** What a segment of a path may be: no control character, and neither `.` nor `..`. */
const segment = '([^/.CC]|\\.[^/.CC]|\\.\\.[^/CC])[^/CC]*'.replaceAll('CC', '\\x00-\\x1f\\x7f-\\x9f');

/** A relative path that stays below the folder it is taken from; `.` may stand in it, `..` may not. */
export const relativePathPattern = new RegExp(`^(\\./+)*${segment}(/+(${segment}|\\.))*/*$`);

/** Whether a relative path stays below the folder it is taken from, as far as its text tells. */
export function staysBelow(path: string): boolean {
  if (path === '' || path.includes('\0')) return false;
  const normal = normalize(path);
  return (
    !normal.startsWith(sep) && normal !== '..' && normal !== '.' && normal !== './' && !normal.startsWith(`..${sep}`)
  );
}

/** The one spelling of a path that {@link staysBelow}, so that two entries can be seen to name the same file. */
export function normalPath(path: string): string {
  return normalize(path).replace(/\/+$/, '');
}

/**
 * Opens a regular file under the model directory, over links as long as they stay inside; undefined when there is none.
 * @throws Error of the file system when there is one that cannot be opened
 */
export async function openModelFile(modelsDir: string, localPath: string): Promise<FileHandle | undefined> {
  const path = await insidePath(modelsDir, localPath);
  if (path === undefined) return undefined;
  // Not blocking, or a FIFO in its place would hang the open.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  return undefined;
}

/**
 * Removes a regular file under the model directory and nowhere else; false when there is none. A link stays, and so does what
 * it leads to: others may have links to the same.
 * @throws Error of the file system when it cannot be removed
 */
export async function removeModelFile(modelsDir: string, localPath: string): Promise<boolean> {
  const path = await insidePath(modelsDir, localPath);
  if (path === undefined || path !== join(await realpath(modelsDir), localPath)) return false;
  if (!(await lstat(path)).isFile()) return false;
  await unlink(path);
  return true;
}

/** The real path, all links resolved, when it lies below the real model directory. */
async function insidePath(modelsDir: string, localPath: string): Promise<string | undefined> {
  if (!staysBelow(localPath)) return undefined;
  try {
    const root = await realpath(modelsDir);
    const path = await realpath(join(root, localPath));
    return path.startsWith(root.endsWith(sep) ? root : root + sep) ? path : undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG') return undefined;
    throw cause;
  }
}
