import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/deadline';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import type { ApiRecord } from '../../records/api-records.port';
import { SqliteRecords } from './sqlite-records';

let folder: TemporaryFolder;
let records: SqliteRecords;
const lines: string[] = [];

function opened(): SqliteRecords {
  const { config } = loadConfig({ ORCHD_DATA_DIR: folder.path });
  return new SqliteRecords(config, new Narrator(new Logger(config, { write: line => void lines.push(line) })));
}

const record = (id: string, more: Partial<ApiRecord> = {}): ApiRecord => ({
  kind: 'response',
  id,
  text: `{"of":"${id}"}`,
  isOpen: true,
  ...more,
});

beforeEach(() => {
  folder = temporaryFolder();
  records = opened();
});
afterEach(async () => {
  await records.onApplicationShutdown();
  folder.remove();
});

describe('records (B-RSP-008)', () => {
  it('are found, replaced and removed, in the order of the calls', async () => {
    const [, found, isReplaced, again, isRemoved, gone, isBack] = await Promise.all([
      records.insert(record('a')),
      records.find('response', 'a'),
      records.replace(record('a', { text: '{}', isOpen: false, keptFromMs: 5 })),
      records.find('response', 'a'),
      records.remove('response', 'a'),
      records.find('response', 'a'),
      records.replace(record('a')),
    ]);
    expect(found).toMatchObject({ ...record('a'), seq: 1 });
    expect([isReplaced, again]).toMatchObject([true, { text: '{}', isOpen: false, keptFromMs: 5, seq: 1 }]);
    expect([isRemoved, gone, isBack]).toEqual([true, undefined, false]);
  });

  it('are listed by kind, from either end', async () => {
    for (const id of ['a', 'b', 'c']) await records.insert(record(id));
    await records.insert(record('x', { kind: 'batch' }));
    const ids = async (order: 'newest first' | 'oldest first', afterSeq?: number): Promise<string[]> =>
      (await records.list({ kind: 'response', order, limit: 2, ...(afterSeq !== undefined && { afterSeq }) })).map(
        ({ id }) => id,
      );
    expect(await ids('newest first')).toEqual(['c', 'b']);
    expect(await ids('newest first', 2)).toEqual(['a']);
    expect(await ids('oldest first', 1)).toEqual(['b', 'c']);
  });

  it('are there after a restart: those that are open, and those whose retention is over', async () => {
    await records.insert(record('a'));
    await records.insert(record('b', { isOpen: false, keptFromMs: 5 }));
    await records.onApplicationShutdown();
    records = opened();
    expect((await records.open('response')).map(({ id }) => id)).toEqual(['a']);
    expect([await records.expired('response', 5, 9), await records.expired('response', 6, 9)]).toEqual([[], ['b']]);
  });

  it('need no thread and no file while there are none', async () => {
    expect([await records.open('response'), await records.expired('response', 9, 9)]).toEqual([[], []]);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('are gone from the disk once they were removed', async () => {
    await records.insert(record('a', { text: '{"secret":"canary-1234"}' }));
    await records.remove('response', 'a');
    await eventually(
      () => Promise.resolve(onDisk()),
      text => !text.includes('canary-1234'),
    );
  });

  it('begin anew where their file is damaged, which is put aside and told', async () => {
    await records.insert(record('a'));
    await records.onApplicationShutdown();
    writeFileSync(join(folder.path, 'records', 'records.db'), 'no database at all'.repeat(500));
    records = opened();
    expect(await records.find('response', 'a')).toBeUndefined();
    expect(lines.join()).toContain('records_damaged');
    expect(readdirSync(join(folder.path, 'records'))).toContain('records.db.damaged');
  });
});

function onDisk(): string {
  const at = join(folder.path, 'records');
  return readdirSync(at)
    .map(name => readFileSync(join(at, name), 'latin1'))
    .join();
}
