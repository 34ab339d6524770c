import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { loadConfig } from '../../config/config';
import { RunningTime } from '../../time/running-time';
import { RunningTimeFile } from './running-time-file';

const HOUR_MS = 3_600_000;

let folder: TemporaryFolder;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'running-time');
});
afterEach(() => folder.remove());

async function open(): Promise<{ time: RunningTime; file: RunningTimeFile }> {
  const time = new RunningTime();
  const file = new RunningTimeFile(loadConfig({ ORCHD_DATA_DIR: folder.path }).config, time);
  await file.onModuleInit();
  return { time, file };
}

it('goes on where the process before ended, not where the wall is (B-STO-003)', async () => {
  const before = await open();
  before.time.resumeAfter(5 * HOUR_MS);
  await before.file.onModuleDestroy();
  const { time } = await open();
  expect(time.nowMs()).toBeGreaterThanOrEqual(Number(readFileSync(path, 'utf8')));
  expect(time.nowMs()).toBeLessThan(6 * HOUR_MS);
});

it.each(['', 'x', '-1\n', '1e300\n', '12', '9'.repeat(20)])('does not take %j for a time', async text => {
  writeFileSync(path, text);
  const { time } = await open();
  expect(Math.abs(time.nowMs() - Date.now())).toBeLessThan(HOUR_MS);
});

it('makes no folder again that was taken away', async () => {
  const { file } = await open();
  rmSync(folder.path, { recursive: true });
  await file.save();
  expect(() => readFileSync(path)).toThrow('ENOENT');
});
