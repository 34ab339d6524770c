import { copyFileSync, existsSync, mkdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { records } from '../../../../test/support/logged-records';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { files } from '../file/journal-file';
import { CommitLog } from './commit-log';
import { readCommitLog } from './commit-log-reading';

/** A file takes four records. */
const SEGMENT_BYTES = 1024;

let folder: TemporaryFolder;
let log: CommitLog;

beforeEach(() => {
  folder = temporaryFolder();
  create();
});
afterEach(() => {
  log.close();
  folder.remove();
});

function create(): void {
  log = CommitLog.create(folder.path, () => undefined, SEGMENT_BYTES);
}

const paths = (): string[] => files.commits.map(name => join(folder.path, name));
/** Of files that nobody has cut, where that is not looked at. */
function read(path: string): Pick<ReturnType<typeof readCommitLog>, 'records' | 'damaged'> {
  const { records, damaged } = readCommitLog(path, 0);
  return { records, damaged };
}
const numbersRead = (): number[] => readCommitLog(folder.path).records.map(({ number }) => number);

describe('readCommitLog', () => {
  it('tells files that are shorter than they were made, and one that is gone, but not a log that there never was', async () => {
    const isCut = (): boolean => readCommitLog(folder.path, SEGMENT_BYTES).isCut;
    for (const name of files.commits) rmSync(join(folder.path, name), { force: true });
    expect(isCut()).toBe(false);
    create();
    expect(isCut()).toBe(false);
    truncateSync(join(folder.path, files.commits[1]), SEGMENT_BYTES - 1);
    expect(isCut()).toBe(true);
    rmSync(join(folder.path, files.commits[1]));
    expect(isCut()).toBe(true);
  });

  it('reads files that are missing or short as far as they go', async () => {
    await log.append(records(1, 4));
    await log.append(records(5, 6));
    const copy = join(folder.path, 'copy');
    mkdirSync(copy);
    for (const name of files.commits) copyFileSync(join(folder.path, name), join(copy, name));
    truncateSync(join(copy, files.commits[0]), 600);
    expect(readCommitLog(copy).records).toEqual([...records(1, 2), ...records(5, 6)]);
    rmSync(join(copy, files.commits[0]));
    expect(read(copy)).toEqual({ records: records(5, 6), damaged: 0 });
    expect(read(join(folder.path, 'nowhere'))).toEqual({ records: [], damaged: 0 });
    expect(existsSync(join(folder.path, 'nowhere'))).toBe(false);
  });

  it('gives numbers in their order and once, wherever they stand', async () => {
    await log.append(records(1, 4));
    await log.append(records(5, 5));
    log.release(4);
    await log.append(records(6, 8));
    await log.append(records(9, 9));
    expect(numbersRead()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    copyFileSync(paths()[0] as string, paths()[1] as string);
    expect(numbersRead()).toEqual([2, 3, 4, 9]);
  });
});
