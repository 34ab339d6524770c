import { readdirSync, readFileSync, readlinkSync, write } from 'node:fs';
import { join } from 'node:path';
import { files } from '../../src/storage/sqlite/file/journal-file';
import { CommitLog } from '../../src/storage/sqlite/log/commit-log';
import { readCommitLog } from '../../src/storage/sqlite/log/commit-log-reading';
import type { WriteFile } from '../../src/storage/sqlite/log/commit-segment';
import { temporaryFolder } from './temporary-folder';
import { turns } from './turns';

/** A file takes four records of `records`. */
const SEGMENT_BYTES = 1024;

/** A write that has begun, and does nothing until it is told what. */
export interface HeldWrite {
  readonly begun: Promise<void>;
  /** Resolves when what was told is done. */
  readonly goOn: () => Promise<void>;
  /** When half of it is written. */
  readonly fail: () => Promise<void>;
}

/** A folder for a commit log, whose writes a test holds or lets fail. */
export class LogDisk {
  private readonly folder = temporaryFolder();
  /** What the next write does instead; it can go on by itself with `write`. */
  nextWrite: WriteFile | undefined;
  /** Whether its files are at their paths, as far as the log is told. */
  inPlace = true;
  /** How often the log may ask for that before the answer is no. */
  asksInPlace = Infinity;
  /** Of the log that was created last. */
  writesBegun = 0;

  get paths(): readonly string[] {
    return files.commits.map(name => join(this.folder.path, name));
  }

  /** Those of the log that this process has open. */
  get filesOpen(): readonly string[] {
    return readdirSync('/proc/self/fd')
      .map(handle => {
        try {
          return readlinkSync(`/proc/self/fd/${handle}`);
        } catch {
          return ''; // The listing itself.
        }
      })
      .filter(path => this.paths.includes(path));
  }

  createLog(segmentBytes = SEGMENT_BYTES): CommitLog {
    this.writesBegun = 0;
    const writeFile: WriteFile = (...args) => {
      this.writesBegun++;
      const doIt = this.nextWrite ?? write;
      this.nextWrite = undefined;
      doIt(...args);
    };
    const assertInPlace = (): void => {
      if (!this.inPlace || this.asksInPlace-- <= 0) throw new Error('gone');
    };
    return CommitLog.create(this.folder.path, assertInPlace, segmentBytes, writeFile);
  }

  /** The next write begins, and waits until it is told to go on or to fail. */
  held(): HeldWrite {
    let go = async (_: WriteFile): Promise<void> => undefined;
    const begun = new Promise<void>(resolve => {
      this.nextWrite = (handle, bytes, offset, length, position, tell) => {
        go = async how => {
          await new Promise<void>(written =>
            how(handle, bytes, offset, length, position, (fault, count) => {
              tell(fault, count);
              written();
            }),
          );
          await turns();
        };
        resolve();
      };
    });
    return { begun, goOn: () => go(write), fail: () => go(fails) };
  }

  /** Whether files were cut is not looked at. */
  read(): Pick<ReturnType<typeof readCommitLog>, 'records' | 'damaged'> {
    const { records, damaged } = readCommitLog(this.folder.path, 0);
    return { records, damaged };
  }

  numbersRead(): readonly number[] {
    return readCommitLog(this.folder.path).records.map(({ number }) => number);
  }

  remove(): void {
    this.folder.remove();
  }
}

/** Fails when half of it is written. */
export const fails: WriteFile = (handle, bytes, offset, length, position, done) =>
  write(handle, bytes, offset, length >> 1, position, () => done(new Error('EIO'), 0));

export const isBlank = (path: string): boolean => readFileSync(path).every(byte => byte === 0);

/** When an append is over: its name, with what it failed with. */
export function tell(told: string[], name: string, appended: Promise<void>): Promise<unknown> {
  return appended.then(
    () => told.push(name),
    (fault: Error) => told.push(`${name}: ${fault.message}`),
  );
}
