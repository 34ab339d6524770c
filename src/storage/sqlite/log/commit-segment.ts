import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** Of each of the two files. */
export const SEGMENT_BYTES = 2 * 1024 * 1024;

/** As `write` of node:fs: calls back with what failed or with how many bytes it has written, which may be fewer. */
export type WriteFile = (
  handle: number,
  bytes: Buffer,
  offset: number,
  length: number,
  position: number,
  done: (fault: Error | null, written: number) => void,
) => void;

/** Each write is on the disk when it returns: one way to libuv's pool and back, and not a second one for `fdatasync`. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC;
const zeros = Buffer.alloc(256 * 1024);

/** One of the commit log's files. Of its full size from the start, so that a write to it changes nothing but its content. */
export class CommitSegment {
  /** Where the next group is put, in bytes from the start. */
  end = 0;
  /** The number of the last record in it; 0 for none. */
  last = 0;
  /** All behind this is zeros. */
  used = 0;

  private constructor(
    private readonly handle: number,
    readonly bytes: number,
    private readonly writeFile: WriteFile,
  ) {}

  /** Its content is zeros, and on the disk, whatever was there before. Synchronous. @throws Error of the file system */
  static create(path: string, bytes: number, writeFile: WriteFile): CommitSegment {
    const handle = openSync(path, FLAGS, 0o600);
    try {
      ftruncateSync(handle, bytes);
      // As one write, for each is synced.
      const content = Buffer.alloc(bytes);
      for (let done = 0; done < bytes;) done += writeSync(handle, content, done, bytes - done, done);
      fsyncSync(handle);
      return new CommitSegment(handle, bytes, writeFile);
    } catch (thrown) {
      closeSync(handle);
      throw thrown;
    }
  }

  /** Resolves when all of it is on the disk. @throws Error of the file system: then any part of it may be there */
  write(bytes: Buffer, at: number): Promise<void> {
    return new Promise((done, failed) => {
      const writeFrom = (offset: number): void =>
        this.writeFile(this.handle, bytes, offset, bytes.length - offset, at + offset, (fault, written) => {
          if (fault) failed(fault);
          else if (offset + written < bytes.length) writeFrom(offset + written);
          else done();
        });
      writeFrom(0);
    });
  }

  /**
   * Zeros up to `to`, or as many as are written at once: from the front, so that no header outlives its body.
   * @returns where they end @throws Error of the file system
   */
  async blank(from: number, to: number): Promise<number> {
    const length = Math.min(zeros.length, to - from);
    await this.write(zeros.subarray(0, length), from);
    return from + length;
  }

  close(): void {
    closeSync(this.handle);
  }
}
