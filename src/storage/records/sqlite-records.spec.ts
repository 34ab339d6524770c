import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiRecordsContract, record } from '../../../test/contracts/api-records.contract';
import { eventually } from '../../../test/support/deadline';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { SqliteRecords } from './sqlite-records';

let folder: TemporaryFolder;
let records: SqliteRecords;
const lines: string[] = [];

function opened(): SqliteRecords {
  const { config } = loadConfig({ ORCHD_DATA_DIR: folder.path });
  return new SqliteRecords(config, new Narrator(new Logger(config, { write: line => void lines.push(line) })));
}

beforeEach(() => {
  folder = temporaryFolder();
  records = opened();
});
afterEach(async () => {
  await records.onApplicationShutdown();
  folder.remove();
});

apiRecordsContract('SqliteRecords (B-RSP-008)', async () => ({
  records,
  reopen: async () => {
    await records.onApplicationShutdown();
    records = opened();
    return records;
  },
}));

describe('records (B-RSP-008)', () => {
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
