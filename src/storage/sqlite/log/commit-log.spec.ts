import { readdirSync, readFileSync, readlinkSync, statSync, write, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { record, records } from '../../../../test/support/logged-records';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { files } from '../file/journal-file';
import { CommitLog } from './commit-log';
import { readCommitLog } from './commit-log-reading';
import type { WriteFile } from './commit-segment';

/** A file takes four records. */
const SEGMENT_BYTES = 1024;

let folder: TemporaryFolder;
let log: CommitLog;
/** What the next write does instead; it can go on by itself with `write`. */
let nextWrite: WriteFile | undefined;
let inPlace: boolean;
/** How often that may be asked before the answer is no. */
let asksInPlace: number;
let writesBegun: number;

beforeEach(() => {
  folder = temporaryFolder();
  nextWrite = undefined;
  inPlace = true;
  asksInPlace = Infinity;
  create();
});
afterEach(() => {
  log.close();
  folder.remove();
});

function create(segmentBytes = SEGMENT_BYTES): void {
  writesBegun = 0;
  const writeFile: WriteFile = (...args) => {
    writesBegun++;
    const doIt = nextWrite ?? write;
    nextWrite = undefined;
    doIt(...args);
  };
  const assertInPlace = (): void => {
    if (!inPlace || asksInPlace-- <= 0) throw new Error('gone');
  };
  log = CommitLog.create(folder.path, assertInPlace, segmentBytes, writeFile);
}

const paths = (): string[] => files.commits.map(name => join(folder.path, name));
/** Of files that nobody has cut, where that is not looked at. */
function read(path: string): Pick<ReturnType<typeof readCommitLog>, 'records' | 'damaged'> {
  const { records, damaged } = readCommitLog(path, 0);
  return { records, damaged };
}
const numbersRead = (): number[] => readCommitLog(folder.path).records.map(({ number }) => number);
const isBlank = (path: string): boolean => readFileSync(path).every(byte => byte === 0);

/** Those of the log that this process has open. */
const filesOpen = (): string[] =>
  readdirSync('/proc/self/fd')
    .map(handle => {
      try {
        return readlinkSync(`/proc/self/fd/${handle}`);
      } catch {
        return ''; // The listing itself.
      }
    })
    .filter(path => paths().includes(path));

/** Fails when half of it is written. */
const fails: WriteFile = (handle, bytes, offset, length, position, done) =>
  write(handle, bytes, offset, length >> 1, position, () => done(new Error('EIO'), 0));

interface Held {
  readonly begun: Promise<void>;
  /** Resolves when what was told is done. */
  readonly goOn: () => Promise<void>;
  /** When half of it is written. */
  readonly fail: () => Promise<void>;
}

/** The next write begins, and waits until it is told to go on or to fail. */
function held(): Held {
  let go = async (_: WriteFile): Promise<void> => undefined;
  const begun = new Promise<void>(resolve => {
    nextWrite = (handle, bytes, offset, length, position, tell) => {
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

/** When an append is over: its name, with what it failed with. */
function tell(told: string[], name: string, appended: Promise<void>): Promise<unknown> {
  return appended.then(
    () => told.push(name),
    (fault: Error) => told.push(`${name}: ${fault.message}`),
  );
}

/** Appends of a record each, of which both are under way. */
async function two(first: number): Promise<{ told: string[]; over: Promise<unknown>; before: Held; behind: Held }> {
  const told: string[] = [];
  const before = held();
  const appended = tell(told, 'first', log.append(records(first, first)));
  await before.begun;
  const behind = held();
  const besides = tell(told, 'second', log.append(records(first + 1, first + 1, first - 1)));
  await behind.begun;
  return { told, over: Promise.all([appended, besides]), before, behind };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await immediate();
};
/** A write that fails as often. */
function failing(times: number, message: string): WriteFile {
  return (...args) => {
    if (times > 1) nextWrite = failing(times - 1, message);
    args[5](new Error(message), 0);
  };
}

describe('CommitLog', () => {
  it('gives back what was appended, one or many at a time', async () => {
    expect(read(folder.path)).toEqual({ records: [], damaged: 0 });
    expect(log.heldUpTo).toBe(0);
    await log.append(records(1, 1));
    await log.append(records(2, 6).slice(0, 2));
    await log.append([]);
    expect(log.heldUpTo).toBe(3);
    expect(read(folder.path)).toEqual({ records: [...records(1, 1), ...records(2, 3)], damaged: 0 });
  });

  it('makes files of their full size that only their owner reads, and blank what they held', async () => {
    await log.append(records(1, 2));
    log.close();
    writeFileSync(paths()[1] as string, 'x'.repeat(8000));
    create(4096);
    for (const path of paths()) {
      expect(statSync(path)).toMatchObject({ size: 4096, mode: 0o100600 });
      expect(isBlank(path)).toBe(true);
    }
    expect(numbersRead()).toEqual([]);
  });

  it('goes on in the other file when one is full, and has no room when both are', async () => {
    await log.append(records(1, 4));
    expect(log.wantsRelease).toBe(false);
    expect(log.hasRoomFor(1, 200)).toBe(true);
    await log.append(records(5, 8));
    expect(log.wantsRelease).toBe(true);
    expect(log.hasRoomFor(1, 200)).toBe(false);
    expect(() => log.append(records(9, 9))).toThrow('no room');
    expect(numbersRead()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('begins the other file only when all in it is released', async () => {
    for (let number = 1; number <= 8; number++) await log.append(records(number, number));
    log.release(3);
    expect(log.hasRoomFor(1, 200)).toBe(false);
    log.release(4);
    log.release(2);
    expect(log.wantsRelease).toBe(false);
    expect(log.hasRoomFor(4, 800)).toBe(true);
    await log.append(records(9, 9));
    expect(numbersRead()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(log.wantsRelease).toBe(true);
  });

  it('begins the file at hand again when all in it is released', async () => {
    await log.append(records(1, 3));
    log.release(3);
    await log.append(records(4, 5));
    expect(numbersRead()).toEqual([3, 4, 5]);
    expect(log.wantsRelease).toBe(false);
  });

  it('never has room for a group that is larger than a file', () => {
    expect(log.hasRoomFor(1, 989)).toBe(true);
    expect(log.hasRoomFor(1, 990)).toBe(false);
    expect(() => log.append(records(1, 5))).toThrow('no room');
  });

  it('does not free the file of an append that is under way', async () => {
    await log.append(records(1, 4));
    const { begun, goOn } = held();
    const appended = log.append(records(5, 6));
    await begun;
    log.release(6);
    expect(log.heldUpTo).toBe(4);
    expect(log.hasRoomFor(3, 600)).toBe(false);
    expect(await log.wipe()).toBe(false);
    expect(numbersRead()).toEqual([1, 2, 3, 4]);
    void goOn();
    await appended;
    expect(numbersRead()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(log.heldUpTo).toBe(6);
  });

  it('asks where the files are while it writes, and once', async () => {
    asksInPlace = 1;
    const { begun, goOn } = held();
    const appended = log.append(records(1, 1));
    await begun;
    expect(asksInPlace).toBe(1);
    await turns();
    expect(asksInPlace).toBe(0);
    void goOn();
    await appended;
    expect(numbersRead()).toEqual([1]);
  });

  it('keeps nothing where the files are not in their places while it writes, and not before its write is over', async () => {
    inPlace = false;
    const { begun, goOn } = held();
    const told: string[] = [];
    const appended = tell(told, 'it', log.append(records(1, 1)));
    await begun;
    await turns();
    expect(told).toEqual([]);
    await goOn();
    await appended;
    expect([told, numbersRead()]).toEqual([['it: gone'], []]);
  });

  it('counts the room that an append under way takes', async () => {
    await log.append(records(1, 4));
    expect(log.hasRoomFor(2, 400)).toBe(true);
    const { begun, goOn } = held();
    const appended = log.append(records(5, 7));
    await begun;
    expect(log.hasRoomFor(1, 200)).toBe(true);
    expect(log.hasRoomFor(2, 400)).toBe(false);
    void goOn();
    await appended;
    expect(log.hasRoomFor(2, 400)).toBe(false);
  });

  it('goes on where a write was short', async () => {
    nextWrite = (handle, bytes, offset, _length, position, done) => write(handle, bytes, offset, 7, position, done);
    await log.append(records(1, 3));
    expect(read(folder.path)).toEqual({ records: records(1, 3), damaged: 0 });
  });

  it('keeps nothing of a write that failed, and puts the next one in its place', async () => {
    await log.append(records(1, 1));
    nextWrite = fails;
    await expect(log.append(records(2, 4))).rejects.toThrow('EIO');
    expect(read(folder.path)).toEqual({ records: records(1, 1), damaged: 0 });
    expect(log.heldUpTo).toBe(1);
    await log.append([record(2, 'another')]);
    await log.append(records(3, 4));
    expect(read(folder.path)).toEqual({
      records: [...records(1, 1), record(2, 'another'), ...records(3, 4)],
      damaged: 0,
    });
    expect(log.wantsRelease).toBe(false);
  });

  it('keeps nothing of a write whose files are not in their place', async () => {
    await log.append(records(1, 1));
    inPlace = false;
    await expect(log.append(records(2, 3))).rejects.toThrow('gone');
    expect(numbersRead()).toEqual([1]);
    inPlace = true;
    await log.append(records(2, 2));
    expect(numbersRead()).toEqual([1, 2]);
  });

  it('keeps nothing of a large one either', async () => {
    log.close();
    create(1024 * 1024);
    nextWrite = (...args) => {
      inPlace = false;
      write(...args);
    };
    await expect(
      log.append(Array.from({ length: 900 }, (_, at) => ({ number: at + 1, after: 0, body: 'x'.repeat(1000) }))),
    ).rejects.toThrow('gone');
    expect(read(folder.path)).toEqual({ records: [], damaged: 0 });
    expect(paths().every(isBlank)).toBe(true);
  });

  it('acknowledges nothing before what a failed write has left is blank', async () => {
    inPlace = false;
    const failsToBlank: WriteFile = (...args) => args[5](new Error('EIO'), 0);
    nextWrite = (...args) => {
      write(...args);
      nextWrite = failsToBlank;
    };
    await expect(log.append(records(1, 3))).rejects.toThrow('gone');
    expect(numbersRead()).toEqual([1, 2, 3]);
    inPlace = true;
    nextWrite = (...args) => {
      nextWrite = failsToBlank;
      failsToBlank(...args);
    };
    await expect(log.append(records(1, 1))).rejects.toThrow('EIO');
    expect(log.heldUpTo).toBe(0);
    await log.append(records(1, 1));
    expect(numbersRead()).toEqual([1]);
  });

  it('wipes what free files have held', async () => {
    expect(await log.wipe()).toBe(true);
    await log.append(records(1, 4));
    await log.append(records(5, 6));
    expect(await log.wipe()).toBe(false);
    expect(numbersRead()).toEqual([1, 2, 3, 4, 5, 6]);
    log.release(4);
    expect(await log.wipe()).toBe(false);
    expect(numbersRead()).toEqual([5, 6]);
    log.release(6);
    expect(await log.wipe()).toBe(true);
    expect(paths().every(isBlank)).toBe(true);
    nextWrite = () => expect.unreachable('there is nothing to wipe');
    expect(await log.wipe()).toBe(true);
    nextWrite = undefined;
    await log.append(records(7, 7));
    expect(numbersRead()).toEqual([7]);
  });

  it('wipes much in parts, between which an append may come', async () => {
    log.close();
    create(600 * 1024);
    await log.append([record(1, 'x'.repeat(590 * 1024))]);
    log.release(1);
    const { begun, goOn } = held();
    const wiped = log.wipe();
    await begun;
    const appended = log.append(records(2, 2));
    void goOn();
    await appended;
    expect(await wiped).toBe(false);
    expect(isBlank(paths()[0] as string)).toBe(false);
    expect(read(folder.path)).toEqual({ records: records(2, 2), damaged: 0 });
    log.release(2);
    expect(await log.wipe()).toBe(true);
    expect(paths().every(isBlank)).toBe(true);
  });

  it('wipes again what a wipe has failed at', async () => {
    await log.append(records(1, 3));
    log.release(3);
    nextWrite = fails;
    await expect(log.wipe()).rejects.toThrow('EIO');
    expect(await log.wipe()).toBe(true);
    expect(paths().every(isBlank)).toBe(true);
  });

  it('appends after a wipe that fails meanwhile', async () => {
    await log.append(records(1, 3));
    log.release(3);
    let fail = (): void => undefined;
    nextWrite = (...args) => void (fail = () => args[5](new Error('EIO'), 0));
    const wiped = log.wipe().catch((thrown: Error) => thrown.message);
    const appended = log.append(records(4, 4));
    await immediate();
    fail();
    await appended;
    expect(await wiped).toBe('EIO');
    expect(numbersRead()).toEqual([2, 3, 4]);
  });

  it('lets an append pass that comes while it wipes, and wipes the rest another time', async () => {
    await log.append(records(1, 4));
    await log.append(records(5, 5));
    log.release(5);
    const { begun, goOn } = held();
    const wiped = log.wipe();
    await begun;
    const appended = log.append(records(6, 8));
    await immediate();
    expect(log.heldUpTo).toBe(5);
    void goOn();
    await appended;
    expect(await wiped).toBe(false);
    expect(numbersRead()).toEqual(expect.arrayContaining([6, 7, 8]));
    log.release(8);
    expect(await log.wipe()).toBe(true);
    expect(paths().every(isBlank)).toBe(true);
  });

  it('closes when what is under way is done, and takes nothing more', async () => {
    const { begun, goOn } = held();
    const appended = log.append(records(1, 2));
    await begun;
    log.close();
    log.close();
    expect(() => log.append(records(3, 3))).toThrow('closed');
    expect(filesOpen()).toHaveLength(2);
    void goOn();
    await appended;
    expect(filesOpen()).toEqual([]);
    expect(numbersRead()).toEqual([1, 2]);
    expect(await log.wipe()).toBe(false);
  });

  it('closes when a wipe under way has stopped', async () => {
    await log.append(records(1, 4));
    await log.append(records(5, 5));
    log.release(5);
    const { begun, goOn } = held();
    const wiped = log.wipe();
    await begun;
    log.close();
    expect(filesOpen()).toHaveLength(2);
    void goOn();
    expect(await wiped).toBe(false);
    expect(filesOpen()).toEqual([]);
    // The file at hand was the first.
    expect(numbersRead()).toEqual([1, 2, 3, 4]);
  });
});

describe('two appends at once', () => {
  it.each([
    ['first', 'goOn', 'goOn', ['first', 'second'], [1, 2, 3]],
    ['second', 'goOn', 'goOn', ['first', 'second'], [1, 2, 3]],
    ['first', 'goOn', 'fail', ['first', 'second: EIO'], [1, 2]],
    ['second', 'goOn', 'fail', ['first', 'second: EIO'], [1, 2]],
    ['first', 'fail', 'goOn', ['first: EIO', 'second: EIO'], [1]],
    ['second', 'fail', 'goOn', ['first: EIO', 'second: EIO'], [1]],
    ['first', 'fail', 'fail', ['first: EIO', 'second: EIO'], [1]],
    ['second', 'fail', 'fail', ['first: EIO', 'second: EIO'], [1]],
  ] as const)(
    'are kept in their order where the %s is over first (%s, %s)',
    async (earlier, first, second, outcome, kept) => {
      await log.append(records(1, 1));
      const { told, over, before, behind } = await two(2);
      const write = { first: () => before[first](), second: () => behind[second]() };
      await write[earlier]();
      // Nothing of the second is told, and no place is made blank, before both are over.
      expect(writesBegun).toBe(3);
      expect(told).toEqual(earlier === 'first' && first === 'goOn' ? ['first'] : []);
      expect(log.heldUpTo).toBe(told.length === 1 ? 2 : 1);
      await write[earlier === 'first' ? 'second' : 'first']();
      await over;
      expect(told).toEqual(outcome);
      expect([numbersRead(), log.heldUpTo, read(folder.path).damaged]).toEqual([kept, kept.length, 0]);
      // What failed can be appended again, at its place: all four are in one file.
      for (let next = kept.length + 1; next <= 4; next++) await log.append([record(next, 'again'.padEnd(200))]);
      expect(read(folder.path).records.map(({ number, body }) => [number, body.startsWith('again')])).toEqual(
        [1, 2, 3, 4].map(number => [number, number > kept.length]),
      );
      expect(isBlank(paths()[1] as string)).toBe(true);
    },
  );

  it('are two and no more, and none beside one that has not begun to be written or has failed', async () => {
    expect(log.takesAppend).toBe(true);
    const { over, before, behind } = await two(1);
    expect(log.takesAppend).toBe(false);
    expect(() => log.append(records(3, 3))).toThrow('under way');
    await before.goOn();
    expect(log.heldUpTo).toBe(1);
    expect(log.takesAppend).toBe(true);
    const third = held();
    const appended = log.append(records(3, 3, 1)).catch((fault: Error) => fault.message);
    await third.begun;
    await behind.fail();
    expect(log.takesAppend).toBe(false);
    await third.goOn();
    await over;
    expect([await appended, numbersRead()]).toEqual(['EIO', [1]]);
    const wiped = held();
    log.release(1);
    const wiping = log.wipe();
    await wiped.begun;
    const waiting = log.append(records(2, 2));
    expect(log.takesAppend).toBe(false);
    await wiped.goOn();
    await Promise.all([wiping, waiting]);
    expect(numbersRead()).toEqual([2]);
  });

  it('leave the first where the files are gone after it', async () => {
    asksInPlace = 1;
    const { told, over, before, behind } = await two(1);
    await before.goOn();
    expect(log.heldUpTo).toBe(1);
    await behind.goOn();
    await over;
    expect([told, numbersRead()]).toEqual([['first', 'second: gone'], [1]]);
  });

  it('are acknowledged by nobody before the places of both are blank', async () => {
    const { told, over, before, behind } = await two(1);
    await behind.goOn();
    expect(numbersRead()).toEqual([2]);
    const failed = before.fail();
    nextWrite = failing(2, 'cannot be blanked');
    await Promise.all([failed, over]);
    expect([told, numbersRead()]).toEqual([['first: EIO', 'second: EIO'], [2]]);
    nextWrite = failing(2, 'nor now');
    await expect(log.append(records(1, 1))).rejects.toThrow('nor now');
    const blanking = held();
    const appended = log.append([record(1, 'x')]);
    await blanking.begun;
    await turns();
    expect([log.heldUpTo, numbersRead()]).toEqual([0, [2]]);
    await blanking.goOn();
    await appended;
    expect([log.heldUpTo, numbersRead()]).toEqual([1, [1]]);
  });

  it('are in the same file, so that none is found without what it came behind', async () => {
    await log.append(records(1, 3));
    const first = held();
    const appended = log.append(records(4, 4));
    await first.begun;
    expect([log.takesAppend, log.hasRoomFor(1, 200)]).toEqual([true, false]);
    expect(() => log.append(records(5, 5, 3))).toThrow('no room');
    await first.goOn();
    await appended;
    expect(log.hasRoomFor(4, 800)).toBe(true);
    // In the other file now, and what fails there is given back.
    const { over, before, behind } = await two(5);
    await before.fail();
    await behind.goOn();
    await over;
    expect([numbersRead(), isBlank(paths()[1] as string), log.hasRoomFor(4, 800)]).toEqual([[1, 2, 3, 4], true, true]);
    await log.append(records(5, 8));
    expect([log.wantsRelease, log.hasRoomFor(1, 200)]).toEqual([true, false]);
    log.release(4);
    await log.append(records(9, 12));
    expect(numbersRead()).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('take their room, and are not wiped or overwritten whatever is released', async () => {
    const { over, before, behind } = await two(1);
    expect([log.hasRoomFor(2, 400), log.hasRoomFor(3, 600), log.hasRoomFor(1, 980)]).toEqual([true, false, false]);
    log.release(2);
    expect(await log.wipe()).toBe(false);
    await before.goOn();
    expect(log.heldUpTo).toBe(1);
    expect(await log.wipe()).toBe(false);
    const third = log.append(records(3, 3, 1));
    await behind.goOn();
    await Promise.all([over, third]);
    expect(numbersRead()).toEqual([1, 2, 3]);
    log.release(3);
    expect(await log.wipe()).toBe(true);
    expect(paths().every(isBlank)).toBe(true);
  });

  it.each([
    ['goOn', 'goOn', [1, 2]],
    ['goOn', 'fail', [1]],
    ['fail', 'goOn', []],
  ] as const)('are over before the files are closed (%s, %s)', async (first, second, kept) => {
    const { over, before, behind } = await two(1);
    log.close();
    await behind[second]();
    await turns();
    expect(filesOpen()).toHaveLength(2);
    await before[first]();
    await over;
    expect([filesOpen(), numbersRead()]).toEqual([[], kept]);
  });
});
