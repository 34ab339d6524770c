import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LAST_RESORT_MS } from '../../../../test/support/deadline';
import { record } from '../../../../test/support/logged-records';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { turns } from '../../../../test/support/turns';
import type * as commitLog from './commit-log';
import { readCommitLog } from './commit-log-reading';
import type { WriteFile } from './commit-segment';

let folder: TemporaryFolder;
let log: commitLog.CommitLog | undefined;

beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => {
  log?.close();
  log = undefined;
  folder.remove();
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** Orders are read once, when the module is loaded. */
async function createWith(orders: string, writeFile?: WriteFile): Promise<commitLog.CommitLog> {
  vi.stubEnv('JOURNAL_FAILPOINT', orders);
  vi.resetModules();
  const fresh = await vi.importActual<typeof commitLog>('./commit-log');
  return (log = fresh.CommitLog.create(folder.path, () => undefined, 1024, writeFile));
}

const numbersRead = (): number[] => readCommitLog(folder.path).records.map(({ number }) => number);

it.each(['before-log', 'after-log'])('holds an append of a kind at %s, and nothing else', async name => {
  const hold = join(folder.path, name);
  const slow = await createWith(`hold=${folder.path}`);
  writeFileSync(hold, 'end bind');
  await slow.append([record(1)], [{ kind: 'admit' }]);
  await slow.append([record(2)]);
  expect(existsSync(`${hold}.reached`)).toBe(false);
  let isAppended = false;
  const appended = slow.append([record(3)], [{ kind: 'admit' }, { kind: 'bind' }]);
  void appended.then(() => (isAppended = true));
  await vi.waitUntil(() => name === 'before-log' || numbersRead().includes(3), { timeout: 30_000 });
  await vi.waitUntil(() => existsSync(`${hold}.reached`), { timeout: 30_000 });
  await turns();
  expect(isAppended).toBe(false);
  expect(numbersRead()).toEqual(name === 'before-log' ? [1, 2] : [1, 2, 3]);
  rmSync(hold);
  await appended;
  expect(numbersRead()).toEqual([1, 2, 3]);
});

it('is at after-log no sooner than what was appended before is on the disk', async () => {
  const hold = join(folder.path, 'after-log');
  const begun: Parameters<WriteFile>[] = [];
  const slow = await createWith(`hold=${folder.path}`, (...args) => begun.push(args));
  const carryOut = async (at: number): Promise<void> => {
    await vi.waitUntil(() => begun[at], { timeout: LAST_RESORT_MS });
    const [handle, bytes, offset, length, position, done] = begun[at]!;
    done(null, writeSync(handle, bytes, offset, length, position));
    await turns();
  };
  writeFileSync(hold, 'end');
  const first = slow.append([record(1)], [{ kind: 'mark' }]);
  const second = slow.append([record(2)], [{ kind: 'end' }]);
  await carryOut(1);
  expect(numbersRead()).toEqual([2]);
  expect(existsSync(`${hold}.reached`)).toBe(false);
  await carryOut(0);
  await vi.waitUntil(() => existsSync(`${hold}.reached`), { timeout: LAST_RESORT_MS });
  expect(numbersRead()).toEqual([1, 2]);
  rmSync(hold);
  await Promise.all([first, second]);
});

it('takes as long as a sync is told to', async () => {
  const slow = await createWith('slow-sync=50');
  const fromMs = performance.now();
  await slow.append([record(1)]);
  expect(performance.now() - fromMs).toBeGreaterThan(48);
});

it.each([
  ['before-log@2', [1]],
  ['after-log@2', [1, 2]],
])('is killed at %s', async (order, numbers) => {
  const script = `
    const { CommitLog } = require('./src/storage/sqlite/log/commit-log.ts');
    const log = CommitLog.create(${JSON.stringify(folder.path)}, () => undefined, 1024);
    const append = number => log.append([{ number, after: number - 1, body: String(number) }]);
    append(1).then(() => append(2)).then(() => append(3));
  `;
  const env = { ...process.env, JOURNAL_FAILPOINT: order };
  const child = spawn(process.execPath, ['-r', './tools/sources.cjs', '-e', script], { env, stdio: 'inherit' });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  expect(signal).toBe('SIGKILL');
  expect(numbersRead()).toEqual(numbers);
});
