import { constants } from 'node:fs';
import { open, realpath, rm, type FileHandle } from 'node:fs/promises';
import { join, normalize, sep } from 'node:path';

/** Whether a relative path stays below the folder it is taken from, as far as its text tells. */
export function staysBelow(path: string): boolean {
  const normal = normalize(path);
  return path !== '' && !path.includes('\0') && !normal.startsWith(sep) && normal !== '..' && normal !== '.' && !normal.startsWith(`..${sep}`);
}

/** Opens a regular file under the model directory; undefined when there is none, or a link leads out of it. */
export async function openModelFile(modelsDir: string, localPath: string): Promise<FileHandle | undefined> {
  const path = await insidePath(modelsDir, localPath);
  if (path === undefined) return undefined;
  // Not blocking, or a FIFO in its place would hang the open.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined);
  if (file && (await file.stat()).isFile()) return file;
  await file?.close();
  return undefined;
}

/** Removes a model's file under the model directory and nowhere else; false when there is none there. */
export async function removeModelFile(modelsDir: string, localPath: string): Promise<boolean> {
  const file = await openModelFile(modelsDir, localPath);
  if (!file) return false;
  await file.close();
  const path = await insidePath(modelsDir, localPath);
  if (path === undefined) return false;
  await rm(path);
  return true;
}

/** The real path, all links resolved, when it lies below the real model directory. */
async function insidePath(modelsDir: string, localPath: string): Promise<string | undefined> {
  if (!staysBelow(localPath)) return undefined;
  try {
    const root = await realpath(modelsDir);
    const path = await realpath(join(root, localPath));
    return path.startsWith(root + sep) ? path : undefined;
  } catch {
    return undefined;
  }
}
