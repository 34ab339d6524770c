import { afterEach } from 'vitest';
import { recordLeasesContract } from '../../../test/contracts/record-leases.contract';
import { silentNarrator } from '../../../test/support/ledger';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { Config } from '../../config/config';
import { FolderContents } from '../contents/folder-contents';
import { SqliteRecords } from '../records/sqlite-records';
import { OwnLeases } from './own-leases';

const opened: { readonly folder: TemporaryFolder; readonly records: SqliteRecords }[] = [];

afterEach(async () => {
  for (const { folder, records } of opened.splice(0)) {
    await records.onApplicationShutdown();
    folder.remove();
  }
});

recordLeasesContract('OwnLeases', async () => {
  const folder = temporaryFolder();
  const config = { dataDir: folder.path, filesMaxBytes: 1e9 } as Config;
  const [records, contents] = [new SqliteRecords(config, silentNarrator), new FolderContents(config)];
  opened.push({ folder, records });
  await contents.onModuleInit();
  return { leases: new OwnLeases(), records, contents };
});
