import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { ApiKeys } from './api-keys';

const SECOND_MS = 1000;

let folder: TemporaryFolder;
let path: string;
let keys: ApiKeys;
let told: string[];

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'keys');
  told = [];
  const { config } = loadConfig({ ORCHD_API_KEYS: 'from-list', ORCHD_API_KEYS_FILE: path });
  keys = new ApiKeys(config, new Narrator(new Logger(config, { write: line => void told.push(line) })));
  vi.useFakeTimers();
});
afterEach(() => {
  keys.onModuleDestroy();
  vi.useRealTimers();
  folder.remove();
});

const opens = (key: string): boolean => keys.refusal(key) === undefined;

it('opens with the keys of the list and of the file (B-MW-013)', () => {
  writeFileSync(path, '# ours\r\n\r\none\r\n  two  \n');
  keys.onModuleInit();
  expect(['from-list', 'one', 'two', '# ours', ''].map(opens)).toEqual([true, true, true, false, false]);
});

const manyKeys = (count: number): string => Array.from({ length: count }, (_, n) => `key-${n}`).join('\n');

const unusable: readonly (readonly [string, () => void, RegExp])[] = [
  ['is absent', () => undefined, /it cannot be read \(ENOENT\)/],
  ['is a folder', () => mkdirSync(path), /it is not a regular file|EISDIR/],
  ['is too large', () => writeFileSync(path, '#'.repeat(1024 * 1024 + 1)), /1048577 bytes, at most 1048576/],
  ['has too many keys', () => writeFileSync(path, manyKeys(10_001)), /10001 keys, at most 10000/],
  [
    'has a key too long',
    () => writeFileSync(path, `ok\n${'k'.repeat(513)}`),
    /line 2 is not a key of 1 to 512 visible/,
  ],
  ['has a key that no header carries', () => writeFileSync(path, 'käse'), /line 1 is not a key/],
];

it.each(unusable)('does not start with a file that %s', (_, write, reason) => {
  write();
  expect(() => keys.onModuleInit()).toThrow(/^ORCHD_API_KEYS_FILE cannot be used: /);
  expect(() => keys.onModuleInit()).toThrow(reason);
});

it.each(unusable)('keeps the keys it knows when the file %s later, and says so once', (_, write, reason) => {
  writeFileSync(path, 'one');
  keys.onModuleInit();
  rmSync(path);
  write();
  vi.advanceTimersByTime(3 * SECOND_MS);
  expect(opens('one')).toBe(true);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/ORCHD_API_KEYS_FILE cannot be used/);
  expect(told[0]).toMatch(reason);
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, manyKeys(10_000));
  vi.advanceTimersByTime(SECOND_MS);
  expect([opens('one'), opens('key-9999'), opens('from-list')]).toEqual([false, true, true]);
});
