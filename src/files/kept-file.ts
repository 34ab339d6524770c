import { closeSync, fstatSync, openSync, statSync, type Stats } from 'node:fs';

/**
 * A file or folder that the service works on, and whether it is still the one at its path: deleted, moved away, replaced or under
 * another mount it is not, and what is written to it then would be found by nobody.
 */
export class KeptFile {
  /** Of our own, and open as long as this is used: so the file's number is not given to another. */
  private readonly handle: number;
  private readonly opened: Stats;

  /**
   * Takes what is there now. Closing any handle of a file lets go of all locks of this process on it, so this must be closed after
   * whatever has locked it.
   */
  constructor(readonly path: string) {
    this.handle = openSync(path, 'r');
    this.opened = fstatSync(this.handle);
  }

  /** One system call, of names that the kernel has at hand: some microseconds. */
  get isInPlace(): boolean {
    try {
      const found = statSync(this.path, { throwIfNoEntry: false });
      return found?.ino === this.opened.ino && found.dev === this.opened.dev;
    } catch {
      return false; // It cannot be reached any more.
    }
  }

  close(): void {
    closeSync(this.handle);
  }
}
