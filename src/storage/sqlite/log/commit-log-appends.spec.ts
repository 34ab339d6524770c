import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBlank, LogDisk, tell, type HeldWrite } from '../../../../test/support/log-disk';
import { record, records } from '../../../../test/support/logged-records';
import { turns } from '../../../../test/support/turns';
import type { CommitLog } from './commit-log';
import type { WriteFile } from './commit-segment';

let disk: LogDisk;
let log: CommitLog;

beforeEach(() => {
  disk = new LogDisk();
  log = disk.createLog();
});
afterEach(() => {
  log.close();
  disk.remove();
});

/** Appends of a record each, of which both are under way. */
async function two(
  first: number,
): Promise<{ told: string[]; over: Promise<unknown>; before: HeldWrite; behind: HeldWrite }> {
  const told: string[] = [];
  const before = disk.held();
  const appended = tell(told, 'first', log.append(records(first, first)));
  await before.begun;
  const behind = disk.held();
  const besides = tell(told, 'second', log.append(records(first + 1, first + 1, first - 1)));
  await behind.begun;
  return { told, over: Promise.all([appended, besides]), before, behind };
}

/** Writes that fail, so many in a row. */
function failing(times: number, message: string): WriteFile {
  return (...args) => {
    if (times > 1) disk.nextWrite = failing(times - 1, message);
    args[5](new Error(message), 0);
  };
}

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
      expect(disk.writesBegun).toBe(3);
      expect(told).toEqual(earlier === 'first' && first === 'goOn' ? ['first'] : []);
      expect(log.heldUpTo).toBe(told.length === 1 ? 2 : 1);
      await write[earlier === 'first' ? 'second' : 'first']();
      await over;
      expect(told).toEqual(outcome);
      expect([disk.numbersRead(), log.heldUpTo, disk.read().damaged]).toEqual([kept, kept.length, 0]);
      // What failed can be appended again, at its place: all four are in one file.
      for (let next = kept.length + 1; next <= 4; next++) await log.append([record(next, 'again'.padEnd(200))]);
      expect(disk.read().records.map(({ number, body }) => [number, body.startsWith('again')])).toEqual(
        [1, 2, 3, 4].map(number => [number, number > kept.length]),
      );
      expect(isBlank(disk.paths[1] as string)).toBe(true);
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
    const third = disk.held();
    const appended = log.append(records(3, 3, 1)).catch((fault: Error) => fault.message);
    await third.begun;
    await behind.fail();
    expect(log.takesAppend).toBe(false);
    await third.goOn();
    await over;
    expect([await appended, disk.numbersRead()]).toEqual(['EIO', [1]]);
    const wiped = disk.held();
    log.release(1);
    const wiping = log.wipe();
    await wiped.begun;
    const waiting = log.append(records(2, 2));
    expect(log.takesAppend).toBe(false);
    await wiped.goOn();
    await Promise.all([wiping, waiting]);
    expect(disk.numbersRead()).toEqual([2]);
  });

  it('leave the first where the files are gone after it', async () => {
    disk.asksInPlace = 1;
    const { told, over, before, behind } = await two(1);
    await before.goOn();
    expect(log.heldUpTo).toBe(1);
    await behind.goOn();
    await over;
    expect([told, disk.numbersRead()]).toEqual([['first', 'second: gone'], [1]]);
  });

  it('are acknowledged by nobody before the places of both are blank', async () => {
    const { told, over, before, behind } = await two(1);
    await behind.goOn();
    expect(disk.numbersRead()).toEqual([2]);
    const failed = before.fail();
    disk.nextWrite = failing(2, 'cannot be blanked');
    await Promise.all([failed, over]);
    expect([told, disk.numbersRead()]).toEqual([['first: EIO', 'second: EIO'], [2]]);
    disk.nextWrite = failing(2, 'nor now');
    await expect(log.append(records(1, 1))).rejects.toThrow('nor now');
    const blanking = disk.held();
    const appended = log.append([record(1, 'x')]);
    await blanking.begun;
    await turns();
    expect([log.heldUpTo, disk.numbersRead()]).toEqual([0, [2]]);
    await blanking.goOn();
    await appended;
    expect([log.heldUpTo, disk.numbersRead()]).toEqual([1, [1]]);
  });

  it('are in the same file, so that none is found without what it came behind', async () => {
    await log.append(records(1, 3));
    const first = disk.held();
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
    expect([disk.numbersRead(), isBlank(disk.paths[1] as string), log.hasRoomFor(4, 800)]).toEqual([
      [1, 2, 3, 4],
      true,
      true,
    ]);
    await log.append(records(5, 8));
    expect([log.wantsRelease, log.hasRoomFor(1, 200)]).toEqual([true, false]);
    log.release(4);
    await log.append(records(9, 12));
    expect(disk.numbersRead()).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
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
    expect(disk.numbersRead()).toEqual([1, 2, 3]);
    log.release(3);
    expect(await log.wipe()).toBe(true);
    expect(disk.paths.every(isBlank)).toBe(true);
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
    expect(disk.filesOpen).toHaveLength(2);
    await before[first]();
    await over;
    expect([disk.filesOpen, disk.numbersRead()]).toEqual([[], kept]);
  });
});
