import { statSync, write, writeFileSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fails, isBlank, LogDisk, tell } from '../../../../test/support/log-disk';
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

describe('CommitLog', () => {
  it('gives back what was appended, one or many at a time', async () => {
    expect(disk.read()).toEqual({ records: [], damaged: 0 });
    expect(log.heldUpTo).toBe(0);
    await log.append(records(1, 1));
    await log.append(records(2, 6).slice(0, 2));
    await log.append([]);
    expect(log.heldUpTo).toBe(3);
    expect(disk.read()).toEqual({ records: [...records(1, 1), ...records(2, 3)], damaged: 0 });
  });

  it('makes files of their full size that only their owner reads, and blank what they held', async () => {
    await log.append(records(1, 2));
    log.close();
    writeFileSync(disk.paths[1] as string, 'x'.repeat(8000));
    log = disk.createLog(4096);
    for (const path of disk.paths) {
      expect(statSync(path)).toMatchObject({ size: 4096, mode: 0o100600 });
      expect(isBlank(path)).toBe(true);
    }
    expect(disk.numbersRead()).toEqual([]);
  });

  it('goes on in the other file when one is full, and has no room when both are', async () => {
    await log.append(records(1, 4));
    expect(log.wantsRelease).toBe(false);
    expect(log.hasRoomFor(1, 200)).toBe(true);
    await log.append(records(5, 8));
    expect(log.wantsRelease).toBe(true);
    expect(log.hasRoomFor(1, 200)).toBe(false);
    expect(() => log.append(records(9, 9))).toThrow('no room');
    expect(disk.numbersRead()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
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
    expect(disk.numbersRead()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(log.wantsRelease).toBe(true);
  });

  it('begins the file at hand again when all in it is released', async () => {
    await log.append(records(1, 3));
    log.release(3);
    await log.append(records(4, 5));
    expect(disk.numbersRead()).toEqual([3, 4, 5]);
    expect(log.wantsRelease).toBe(false);
  });

  it('never has room for a group that is larger than a file', () => {
    expect(log.hasRoomFor(1, 989)).toBe(true);
    expect(log.hasRoomFor(1, 990)).toBe(false);
    expect(() => log.append(records(1, 5))).toThrow('no room');
  });

  it('does not free the file of an append that is under way', async () => {
    await log.append(records(1, 4));
    const { begun, goOn } = disk.held();
    const appended = log.append(records(5, 6));
    await begun;
    log.release(6);
    expect(log.heldUpTo).toBe(4);
    expect(log.hasRoomFor(3, 600)).toBe(false);
    expect(await log.wipe()).toBe(false);
    expect(disk.numbersRead()).toEqual([1, 2, 3, 4]);
    void goOn();
    await appended;
    expect(disk.numbersRead()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(log.heldUpTo).toBe(6);
  });

  it('asks where the files are while it writes, and once', async () => {
    disk.asksInPlace = 1;
    const { begun, goOn } = disk.held();
    const appended = log.append(records(1, 1));
    await begun;
    expect(disk.asksInPlace).toBe(1);
    await turns();
    expect(disk.asksInPlace).toBe(0);
    void goOn();
    await appended;
    expect(disk.numbersRead()).toEqual([1]);
  });

  it('keeps nothing where the files are not in their places while it writes, and not before its write is over', async () => {
    disk.inPlace = false;
    const { begun, goOn } = disk.held();
    const told: string[] = [];
    const appended = tell(told, 'it', log.append(records(1, 1)));
    await begun;
    await turns();
    expect(told).toEqual([]);
    await goOn();
    await appended;
    expect([told, disk.numbersRead()]).toEqual([['it: gone'], []]);
  });

  it('counts the room that an append under way takes', async () => {
    await log.append(records(1, 4));
    expect(log.hasRoomFor(2, 400)).toBe(true);
    const { begun, goOn } = disk.held();
    const appended = log.append(records(5, 7));
    await begun;
    expect(log.hasRoomFor(1, 200)).toBe(true);
    expect(log.hasRoomFor(2, 400)).toBe(false);
    void goOn();
    await appended;
    expect(log.hasRoomFor(2, 400)).toBe(false);
  });

  it('goes on where a write was short', async () => {
    disk.nextWrite = (handle, bytes, offset, _length, position, done) =>
      write(handle, bytes, offset, 7, position, done);
    await log.append(records(1, 3));
    expect(disk.read()).toEqual({ records: records(1, 3), damaged: 0 });
  });

  it('keeps nothing of a write that failed, and puts the next one in its place', async () => {
    await log.append(records(1, 1));
    disk.nextWrite = fails;
    await expect(log.append(records(2, 4))).rejects.toThrow('EIO');
    expect(disk.read()).toEqual({ records: records(1, 1), damaged: 0 });
    expect(log.heldUpTo).toBe(1);
    await log.append([record(2, 'another')]);
    await log.append(records(3, 4));
    expect(disk.read()).toEqual({
      records: [...records(1, 1), record(2, 'another'), ...records(3, 4)],
      damaged: 0,
    });
    expect(log.wantsRelease).toBe(false);
  });

  it('keeps nothing of a write whose files are not in their place', async () => {
    await log.append(records(1, 1));
    disk.inPlace = false;
    await expect(log.append(records(2, 3))).rejects.toThrow('gone');
    expect(disk.numbersRead()).toEqual([1]);
    disk.inPlace = true;
    await log.append(records(2, 2));
    expect(disk.numbersRead()).toEqual([1, 2]);
  });

  it('keeps nothing of a large one either', async () => {
    log.close();
    log = disk.createLog(1024 * 1024);
    disk.nextWrite = (...args) => {
      disk.inPlace = false;
      write(...args);
    };
    await expect(
      log.append(Array.from({ length: 900 }, (_, at) => ({ number: at + 1, after: 0, body: 'x'.repeat(1000) }))),
    ).rejects.toThrow('gone');
    expect(disk.read()).toEqual({ records: [], damaged: 0 });
    expect(disk.paths.every(isBlank)).toBe(true);
  });

  it('acknowledges nothing before what a failed write has left is blank', async () => {
    disk.inPlace = false;
    const failsToBlank: WriteFile = (...args) => args[5](new Error('EIO'), 0);
    disk.nextWrite = (...args) => {
      write(...args);
      disk.nextWrite = failsToBlank;
    };
    await expect(log.append(records(1, 3))).rejects.toThrow('gone');
    expect(disk.numbersRead()).toEqual([1, 2, 3]);
    disk.inPlace = true;
    disk.nextWrite = (...args) => {
      disk.nextWrite = failsToBlank;
      failsToBlank(...args);
    };
    await expect(log.append(records(1, 1))).rejects.toThrow('EIO');
    expect(log.heldUpTo).toBe(0);
    await log.append(records(1, 1));
    expect(disk.numbersRead()).toEqual([1]);
  });

  it('wipes what free files have held', async () => {
    expect(await log.wipe()).toBe(true);
    await log.append(records(1, 4));
    await log.append(records(5, 6));
    expect(await log.wipe()).toBe(false);
    expect(disk.numbersRead()).toEqual([1, 2, 3, 4, 5, 6]);
    log.release(4);
    expect(await log.wipe()).toBe(false);
    expect(disk.numbersRead()).toEqual([5, 6]);
    log.release(6);
    expect(await log.wipe()).toBe(true);
    expect(disk.paths.every(isBlank)).toBe(true);
    disk.nextWrite = () => expect.unreachable('there is nothing to wipe');
    expect(await log.wipe()).toBe(true);
    disk.nextWrite = undefined;
    await log.append(records(7, 7));
    expect(disk.numbersRead()).toEqual([7]);
  });

  it('wipes much in parts, between which an append may come', async () => {
    log.close();
    log = disk.createLog(600 * 1024);
    await log.append([record(1, 'x'.repeat(590 * 1024))]);
    log.release(1);
    const { begun, goOn } = disk.held();
    const wiped = log.wipe();
    await begun;
    const appended = log.append(records(2, 2));
    void goOn();
    await appended;
    expect(await wiped).toBe(false);
    expect(isBlank(disk.paths[0] as string)).toBe(false);
    expect(disk.read()).toEqual({ records: records(2, 2), damaged: 0 });
    log.release(2);
    expect(await log.wipe()).toBe(true);
    expect(disk.paths.every(isBlank)).toBe(true);
  });

  it('wipes again what a wipe has failed at', async () => {
    await log.append(records(1, 3));
    log.release(3);
    disk.nextWrite = fails;
    await expect(log.wipe()).rejects.toThrow('EIO');
    expect(await log.wipe()).toBe(true);
    expect(disk.paths.every(isBlank)).toBe(true);
  });

  it('appends after a wipe that fails meanwhile', async () => {
    await log.append(records(1, 3));
    log.release(3);
    let fail = (): void => undefined;
    disk.nextWrite = (...args) => void (fail = () => args[5](new Error('EIO'), 0));
    const wiped = log.wipe().catch((thrown: Error) => thrown.message);
    const appended = log.append(records(4, 4));
    await immediate();
    fail();
    await appended;
    expect(await wiped).toBe('EIO');
    expect(disk.numbersRead()).toEqual([2, 3, 4]);
  });

  it('lets an append pass that comes while it wipes, and wipes the rest another time', async () => {
    await log.append(records(1, 4));
    await log.append(records(5, 5));
    log.release(5);
    const { begun, goOn } = disk.held();
    const wiped = log.wipe();
    await begun;
    const appended = log.append(records(6, 8));
    await immediate();
    expect(log.heldUpTo).toBe(5);
    void goOn();
    await appended;
    expect(await wiped).toBe(false);
    expect(disk.numbersRead()).toEqual(expect.arrayContaining([6, 7, 8]));
    log.release(8);
    expect(await log.wipe()).toBe(true);
    expect(disk.paths.every(isBlank)).toBe(true);
  });

  it('closes when what is under way is done, and takes nothing more', async () => {
    const { begun, goOn } = disk.held();
    const appended = log.append(records(1, 2));
    await begun;
    log.close();
    log.close();
    expect(() => log.append(records(3, 3))).toThrow('closed');
    expect(disk.filesOpen).toHaveLength(2);
    void goOn();
    await appended;
    expect(disk.filesOpen).toEqual([]);
    expect(disk.numbersRead()).toEqual([1, 2]);
    expect(await log.wipe()).toBe(false);
  });

  it('closes when a wipe under way has stopped', async () => {
    await log.append(records(1, 4));
    await log.append(records(5, 5));
    log.release(5);
    const { begun, goOn } = disk.held();
    const wiped = log.wipe();
    await begun;
    log.close();
    expect(disk.filesOpen).toHaveLength(2);
    void goOn();
    expect(await wiped).toBe(false);
    expect(disk.filesOpen).toEqual([]);
    // The file at hand was the first.
    expect(disk.numbersRead()).toEqual([1, 2, 3, 4]);
  });
});
