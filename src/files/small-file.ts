import { constants } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';

/** A small file that somebody else writes, as it was when it was looked at. */
export type SmallFile =
  | { readonly ok: true; readonly bytes: Buffer }
  /** A clause without an address: why it cannot be used. */
  | { readonly ok: false; readonly reason: string };

/**
 * Reads a regular file of at most `maxBytes` that lies below `folder`. Links are followed as long as they stay inside, as those
 * of a mounted ConfigMap or Secret do (`name → ..data/name`, `..data → ..2026_11_25`). What is wrong is a returned reason.
 */
export async function readSmallFile(folder: string, path: string, maxBytes: number): Promise<SmallFile> {
  try {
    const real = await insidePath(folder, path);
    if (real === undefined) return bad('it is a link that leads out of its folder');
    return await readAt(real, maxBytes);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    return bad(code === 'ELOOP' ? 'it is a link that leads nowhere' : `it cannot be read (${code})`);
  }
}

/** Changes with what is read there; undefined for what is gone. A link that leads out is looked at itself and not followed. */
export async function versionOfFile(folder: string, path: string): Promise<string | undefined> {
  const real = await insidePath(folder, path).catch(() => undefined);
  const found = await (real === undefined ? lstat(path) : stat(real)).catch(() => undefined);
  return found && [real ?? '', found.mtimeMs, found.ctimeMs, found.size, found.ino].join(':');
}

/** The real path, all links resolved, where it lies below the real folder. @throws Error of the file system */
async function insidePath(folder: string, path: string): Promise<string | undefined> {
  const root = await realpath(folder);
  const real = await realpath(path);
  return real.startsWith(root.endsWith(sep) ? root : root + sep) ? real : undefined;
}

async function readAt(path: string, maxBytes: number): Promise<SmallFile> {
  // No link any more, and not waiting for a writer, should it be a FIFO.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) return bad('it is not a regular file');
    // One more byte than may be there, for it may have grown since.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
    if (bytesRead > maxBytes) return bad(`it is larger than ${maxBytes} bytes`);
    return { ok: true, bytes: buffer.subarray(0, bytesRead) };
  } finally {
    await file.close();
  }
}

function bad(reason: string): SmallFile {
  return { ok: false, reason };
}
