import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder';

/** A disk of a few megabytes (a tmpfs), to be filled up. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  unmount(): void;
}

/** Undefined, with a line that says so, where this process may not mount; in CI that is an error. */
export function mountSmallDisk(mebibytes: number): SmallDisk | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder.path], { stdio: 'pipe' });
  } catch (cause) {
    folder.remove();
    if (process.env.CI) throw new Error('a tmpfs cannot be mounted, and CI must not go without', { cause });
    process.stdout.write('skipped: a tmpfs cannot be mounted here (that takes root)\n');
    return undefined;
  }
  const ballast = join(folder.path, 'ballast');
  return {
    path: folder.path,
    fill: () => {
      const handle = openSync(ballast, 'a');
      try {
        for (let bytes = 1024 * 1024; bytes >= 1; bytes /= 2) appendWhile(handle, Buffer.alloc(bytes, 'x'));
      } finally {
        closeSync(handle);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => {
      execFileSync('umount', ['-l', folder.path], { stdio: 'pipe' });
      folder.remove();
    },
  };
}

/** Appends until the disk takes no more of them. */
function appendWhile(handle: number, bytes: Buffer): void {
  try {
    for (;;) if (writeSync(handle, bytes) < bytes.length) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
